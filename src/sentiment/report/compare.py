"""Compares results of the same images, each with each."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from sentiment.base import cli
from sentiment.base.errors import UserError

if TYPE_CHECKING:
    from sentiment.runs.predictions import Predictions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/compare.py`."""

    results: tyro.conf.Positional[tuple[Path, ...]]
    """Two or more results, ending in _result.npz, of the same test split."""


@cli.command()
def main() -> None:
    """Run `scripts/compare.py`."""
    compare(cli.parse(Options))


def compare(options: Options) -> None:
    """Print every result's accuracy, and which differences are real.

    Raises:
        UserError: a result is missing or damaged, or they are of different images.
    """
    if len(set(options.results)) < 2:
        raise UserError("expected two results or more, such as saved_models/t4sa/*_result.npz")
    from sentiment.report import pairs  # SciPy and pandas, which --help does without
    from sentiment.runs import significance
    from sentiment.runs.accuracy import Reached

    models = _read(options.results)
    for name, predicted in models.items():
        reached = Reached.of(predicted.y_true, predicted.y_pred, predicted.class_names)
        log.info("%s: %s", name, reached)
    table = pairs.table("pairs", "Pairs", significance.pairwise(models))
    log.info("")
    for line in (*table.lines(), *table.notes):
        log.info("%s", line)


def _read(paths: tuple[Path, ...]) -> "dict[str, Predictions]":
    """Read the results, each named by as much of its path as tells it from the others."""
    from sentiment.runs import predictions

    above = os.path.commonpath([path.resolve().parent for path in paths])
    models = {}
    for path in paths:
        predicted = predictions.read(path, all_classes=False)
        name = str(path.resolve().relative_to(above)).removesuffix("_result.npz")
        models[f"{'LEAKING ' if predicted.leaking else ''}{name}"] = predicted
    return models
