"""Removes what a model that is about to be replaced has made."""

import logging

from sentiment.base import files
from sentiment.runs.run_files import Run

log = logging.getLogger(__name__)


def remove(run: Run) -> None:
    """Remove the results and exports of a run's model."""
    for outdated in (*run.results(), *run.exports()):
        files.remove(outdated)
        log.info("  removed %s, made by the model that this one replaces", outdated)
