"""Which runs of a network have left anything, of what percent, and with which choices."""

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from sentiment.base.errors import UserError
from sentiment.runs import manifest_file
from sentiment.runs.run_files import Labels, Run, TrainingData

SOME_PERCENT = 1.0
"""A percent under 100: each of them gives the same names of files."""

SOME_CONFIDENCE, SOME_FILE = 0.5, Path("FILE")
"""Choices of the photos to learn from, of which each gives the same names of files."""


def chosen_runs(plain: Run, percent: float | None) -> Iterator[Run]:
    """The runs that are there of a network with chosen labels, or photos."""
    for labels, confidence, drop in itertools.product(
        get_args(Labels), (0.0, SOME_CONFIDENCE), (None, SOME_FILE)
    ):
        chosen = dataclasses.replace(
            plain.data, labels=labels, min_confidence=confidence, drop=drop
        )
        run = run_there(dataclasses.replace(plain, data=chosen), percent)
        if run and chosen.prefix:
            yield dataclasses.replace(run, data=_recorded_choices(run))


def _recorded_choices(run: Run) -> TrainingData:
    """The data of a run with the choices that its manifest states."""
    try:
        manifest = manifest_file.finished_manifest(run) or {}
        recorded = run.data.with_choices(manifest["choices"])
    except (UserError, KeyError, ValueError, TypeError, AttributeError):  # said when read again
        return run.data
    return recorded if recorded.prefix == run.data.prefix else run.data


def run_there(run: Run, percent: float | None) -> Run | None:
    """The run of a percent; without one the full run, or else the one on a part of the data."""
    for tried in (percent,) if percent else (100.0, SOME_PERCENT):
        run = with_percent(run, tried)
        if run.model.exists() or run.results() or _is_finished(run):
            known = percent or tried == 100
            return run if known else with_percent(run, _recorded_percent(run))
    return None


def with_percent(run: Run, percent: float) -> Run:
    """The run of the same network, layers and choices on another percent of the data."""
    return dataclasses.replace(run, data=dataclasses.replace(run.data, percent=percent))


def _is_finished(run: Run) -> bool:
    try:
        return manifest_file.finished_manifest(run) is not None
    except UserError:  # damaged, which is said when it is read again
        return True


def _recorded_percent(run: Run) -> float:
    """The percent of a run on a part of the data, as its manifest says."""
    try:
        percent = (manifest_file.finished_manifest(run) or {}).get("percent")
    except UserError:
        return SOME_PERCENT
    return percent if isinstance(percent, int | float) and 0 < percent < 100 else SOME_PERCENT
