"""Collects what the runs on a data set have left, and says what is missing or damaged."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pandas as pd

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import B_T4SA, TTD
from sentiment.model import model_file, temperature
from sentiment.model.networks import Network, networks
from sentiment.runs import (
    history_file,
    inference_file,
    manifest_file,
    predictions,
    runs_there,
    table_file,
)
from sentiment.runs.inference_file import Inference
from sentiment.runs.manifest_file import FinishedTraining
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import Ending, Run, RunsWanted, TrainingData, exports_of

RESOURCES = ("cpu_percent", "cpu_percent_life", "rss_bytes", "vms_bytes")
"""Columns of the resources that every run has."""

GPU = ("gpu_memory_bytes", "gpu_percent")
"""Columns of the resources that are empty without a GPU."""

Part = TypeVar("Part")


@dataclass(frozen=True)
class Missing:
    """Stands for a part of what a run leaves that is not there."""

    state: str
    """Why it is not there, such as "not run" or "unusable"."""
    commands: tuple[str, ...] = ()
    """What a person types to get it, in this order."""

    @property
    def command(self) -> str:
        """The commands in one line."""
        return ", then ".join(self.commands)

    def __str__(self) -> str:
        return f"{self.state}; {self.command}" if self.commands else self.state


NOT_TRAINED_HERE = Missing("imported")
"""Stands for what training leaves, for a model that others have trained."""


@dataclass(frozen=True)
class TrainedModel:
    """A network trained one way, with what its run left."""

    network: Network
    run: Run
    training: FinishedTraining | Missing
    history: pd.DataFrame | Missing
    """A row an epoch."""
    resources: pd.DataFrame | Missing
    """A row a second of training."""
    tested: Predictions | Missing
    """Predictions for the test split of the data that the model was trained on."""
    ttd: Predictions | Missing
    """Predictions for TTD."""
    inference: Inference | Missing
    checkpoint_bytes: int | None = None
    exported_bytes: dict[Ending, int] = field(default_factory=dict)
    """Sizes of the exported models."""
    problems: list[str] = field(default_factory=list)
    """What is wrong with files that were left out, a line each."""
    tested_on: str = ""
    """Name of the data whose test split it was, or is to be, tested on."""
    calibrated: str = ""
    """The temperature that it was calibrated by, in words; empty if it was not."""

    @property
    def imported(self) -> bool:
        """Whether others have trained it."""
        return self.training is NOT_TRAINED_HERE

    @property
    def key(self) -> tuple[str, str]:
        """The network's folder and the layers, as published figures are sorted; there are none of
        models whose labels were chosen."""
        return self.run.data.prefix + self.run.architecture, self.run.layers

    @property
    def name(self) -> str:
        """Such as `MobileNetV2 FT-F`, or `MobileNetV2 FT-F, shares (10 %)`."""
        mark = "LEAKING " if self.run.leaking else ""
        chosen = f", {self.run.data.in_words}" if self.run.data.prefix else ""
        title = f"{mark}{self.network.architecture.title} {self.run.way}{chosen}"
        if self.run.percent == 100:
            return title
        predicted = [part for part in (self.tested, self.ttd) if not isinstance(part, Missing)]
        percent_known = isinstance(self.training, FinishedTraining) or not predicted
        return f"{title} ({self.run.percent:g} %)" if percent_known else f"{title} (a part)"


@contextlib.contextmanager
def noting(problems: list[str]) -> Iterator[None]:
    """Go on after a UserError that ends the block; its text is added to the problems, once."""
    try:
        yield
    except UserError as error:
        if str(error) not in problems:
            problems.append(str(error))


def tested_models(models: list[TrainedModel]) -> list[tuple[TrainedModel, Predictions]]:
    """The models whose predictions for the test split are there, and these predictions."""
    return [(m, m.tested) for m in models if isinstance(m.tested, Predictions)]


def models_on_ttd(models: list[TrainedModel]) -> list[tuple[TrainedModel, Predictions]]:
    """The models whose predictions for TTD are there, and these predictions."""
    return [(m, m.ttd) for m in models if isinstance(m.ttd, Predictions)]


def trained_models(
    wanted: RunsWanted, folders: Folders, leaking: bool = False
) -> list[TrainedModel]:
    """Every network both ways, with what is there; behind each, its runs with chosen labels.

    Where models were imported, those alone. Of a folder's further variants, those that were run.

    Args:
        leaking: those trained on the test images too.

    Raises:
        UserError: a network's folder lacks its scripts.
    """
    data = TrainingData(wanted.dataset)
    full_runs = [
        (network, Run(network.architecture.name, layers, data, folders, leaking))
        for network in networks()
        for layers in network.recipes
    ]
    runs = [runs_there.run_there(full_run, wanted.percent) for _, full_run in full_runs]
    # What is not run at all is to be run on as much as the others.
    most = wanted.percent or max((run.percent for run in runs if run), default=100.0)
    models = []
    for (network, full_run), run in zip(full_runs, runs, strict=True):
        if run or network.architecture.is_first:
            models.append(_model(network, run or runs_there.with_percent(full_run, most)))
        models += [
            _model(network, chosen) for chosen in runs_there.chosen_runs(full_run, wanted.percent)
        ]
    return [model for model in models if model.imported] or models


def leaking_models(wanted: RunsWanted, folders: Folders) -> list[TrainedModel]:
    """The networks that have learned from the test images too, where a run left anything."""
    return [
        model
        for model in trained_models(wanted, folders, leaking=True)
        if model.problems
        or not all(isinstance(p, Missing) for p in (model.training, model.tested, model.ttd))
    ]


def _model(network: Network, run: Run) -> TrainedModel:
    """Read all that a run has left."""
    problems: list[str] = []
    train = run.training_command
    imported = False
    with noting(problems):
        imported = manifest_file.is_imported(run)
    if imported:
        return _imported_model(network, run, problems)
    training = _part(problems, lambda: manifest_file.finished_training(run), "not run", train)
    attempt: dict = {}
    with noting(problems):
        attempt = manifest_file.last_attempt(run)
    if isinstance(training, Missing):
        training = _explained(training, attempt)
    history, resources = _records(problems, run, training, attempt)
    if isinstance(training, FinishedTraining) and training.percent != run.percent:
        problems.append(f"{run.model}: trained on {training.percent:g} %, not {run.percent:g} %")
        return _not_run(network, run, problems)
    if isinstance(training, FinishedTraining) and training.stopped:
        problems.append(f"{run.model}: {training.stopped}; this goes on: {train}")
    first = (train,) if isinstance(training, Missing) else ()

    def part(read: Callable[[], Part | None], command: str) -> Part | Missing:
        return _part(problems, read, "not run", *first, command)

    return TrainedModel(
        network,
        run,
        training,
        history,
        resources,
        tested=part(lambda: result_of(run, run.dataset), run.prediction_command()),
        ttd=part(lambda: _on_ttd(run), run.prediction_command("--test-on", TTD)),
        inference=part(lambda: _inference(run, training), run.measuring_command),
        checkpoint_bytes=run.model.stat().st_size if run.model.exists() else None,
        exported_bytes=_exported_bytes(run),
        problems=problems,
        tested_on=run.dataset,
        calibrated=_calibrated(problems, run),
    )


def _imported_model(network: Network, run: Run, problems: list[str]) -> TrainedModel:
    """Read what a model that others have trained has left; no training is told of."""

    def part(read: Callable[[], Part | None], command: str) -> Part | Missing:
        return _part(problems, read, "not run", command)

    return TrainedModel(
        network,
        run,
        training=NOT_TRAINED_HERE,
        history=NOT_TRAINED_HERE,
        resources=NOT_TRAINED_HERE,
        tested=part(
            lambda: result_of(run, B_T4SA, all_classes=True),
            run.prediction_command("--test-on", B_T4SA),
        ),
        ttd=part(lambda: _on_ttd(run), run.prediction_command("--test-on", TTD)),
        inference=part(lambda: _inference(run, NOT_TRAINED_HERE), run.measuring_command),
        checkpoint_bytes=run.model.stat().st_size,
        exported_bytes=_exported_bytes(run),
        problems=problems,
        tested_on=B_T4SA,
        calibrated=_calibrated(problems, run),
    )


def _calibrated(problems: list[str], run: Run) -> str:
    with noting(problems):
        return temperature.in_words(model_file.read_card(run.model)) if run.model.exists() else ""
    return ""


def _exported_bytes(run: Run) -> dict[Ending, int]:
    return {ending: files.size(path) for ending, path in exports_of(run.model).items()}


def _not_run(network: Network, run: Run, problems: list[str]) -> TrainedModel:
    """A network whose files are those of a run on another percent."""

    def missing(*commands: str) -> Missing:
        return Missing("not run", (run.training_command, *commands))

    return TrainedModel(
        network,
        run,
        training=missing(),
        history=missing(),
        resources=missing(),
        tested=missing(run.prediction_command()),
        ttd=missing(run.prediction_command("--test-on", TTD)),
        inference=missing(run.measuring_command),
        problems=problems,
        tested_on=run.dataset,
    )


def _part(
    problems: list[str], read: Callable[[], Part | None], absent: str, *commands: str
) -> Part | Missing:
    """Read one part of what a run has left.

    Args:
        problems: a line is added if the part is damaged.
        read: returns the part, or None where it is not there.
        absent: the state of a part that is not there.
        commands: what makes the part.
    """
    with noting(problems):
        part = read()
        return Missing(absent, commands) if part is None else part
    return Missing("unusable", commands)


def _explained(training: Missing, attempt: dict) -> Missing:
    """Say of a training that is missing how its last attempt ended."""
    if training.state == "not run" and attempt.get("status"):
        return dataclasses.replace(training, state=_status(attempt))
    return training


def _status(attempt: dict) -> str:
    """How an attempt to train ended, as its manifest says."""
    if attempt.get("status") == "failed":
        return f"failed ({attempt.get('error', 'it does not say why')})"
    if attempt.get("status") == "running":
        return "running, or was killed"
    return str(attempt.get("status"))


def _records(
    problems: list[str], run: Run, training: FinishedTraining | Missing, attempt: dict
) -> tuple[pd.DataFrame | Missing, pd.DataFrame | Missing]:
    """History and resources; the last attempt to train has written both."""
    if isinstance(training, Missing):
        return training, training
    train = run.training_command
    if attempt and attempt.get("start") != training.start:
        problems.append(
            f"{run.manifest}: a later run than the one that made the model, {_status(attempt)}; "
            "its history and resources are left out"
        )
        later = Missing("of a later run", (train,))
        return later, later
    return (
        _part(problems, lambda: history_file.read(run.history), "not recorded", train),
        _part(problems, lambda: _resources(run.resources), "not recorded", train),
    )


def _resources(file: Path) -> pd.DataFrame | None:
    table = table_file.read(file, RESOURCES)
    return table if table is None else table.reindex(columns=["seconds", *RESOURCES, *GPU])


def _on_ttd(run: Run) -> Predictions | None:
    """Predictions for TTD; None too where TTD is what the model was trained on."""
    return result_of(run, TTD) if run.dataset != TTD else None


def result_of(
    run: Run, tested_on: str, all_classes: bool | None = None, flip_test: bool = False
) -> Predictions | None:
    """A result of a run; None if it is not there.

    Args:
        all_classes: the data tested have all of the model's classes; without it, if they are those
            that it was trained on.
        flip_test: the one with the mirror image.

    Raises:
        UserError: it is damaged, or is not what its name says.
    """
    file = run.result(tested_on, flip_test)
    if not file.exists():
        return None
    whole = tested_on == run.dataset if all_classes is None else all_classes
    predicted = predictions.read(file, whole)
    if predicted.leaking != run.leaking:
        raise UserError(f"{file}: its model has learned from other images than its name says")
    if predicted.flip_test != flip_test:
        made = "has" if predicted.flip_test else "lacks"
        raise UserError(f"{file}: {made} the mirror images, its name says otherwise")
    return predicted


def _inference(run: Run, training: FinishedTraining | Missing) -> Inference | None:
    if not run.inference.exists():
        return None
    inference = inference_file.read(run.inference)
    if isinstance(training, FinishedTraining) and inference.model_start != training.start:
        raise UserError(f"{run.inference}: of an earlier model; measure again")
    return inference
