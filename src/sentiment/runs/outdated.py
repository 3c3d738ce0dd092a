"""Removes what a model that is about to be replaced has made."""

import logging
from pathlib import Path

from sentiment.base import files
from sentiment.runs.run_files import exports_of, results_of

log = logging.getLogger(__name__)


def remove(model: Path) -> None:
    """Remove the results and exports of a model's file."""
    for outdated in (*results_of(model), *exports_of(model).values()):
        files.remove(outdated)
        log.info("  removed %s, made by the model that this one replaces", outdated)
