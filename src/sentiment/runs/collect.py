"""What the runs on a data set have left, read without trust: what is missing or damaged is said."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import TTD
from sentiment.model import model_file
from sentiment.model.networks import Network, networks
from sentiment.runs import history_file, predictions, table_file, training_plan
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import Ending, Run, RunsWanted, TrainingData

RESOURCES = ("cpu_percent", "cpu_percent_life", "rss_bytes", "vms_bytes")
"""Columns read; those of a GPU are empty without one."""
GPU = ("gpu_memory_bytes", "gpu_percent")

TRAINED = (
    "percent", "recipe", "training_seconds", "validation_seconds", "waiting_seconds",
    "best_epoch", "last_epoch", "train_images",
)  # fmt: skip
"""What a finished run's manifest must hold."""

SOME_PERCENT = 1.0
"""Any under 100 gives the names of a subset run's files."""


Read = TypeVar("Read")


@dataclass
class TrainedModel:
    """A network trained one way, with what its run left; None for what is missing or damaged."""

    network: Network
    run: Run
    training: dict | None = None
    """The manifest of the finished run that made the model."""
    history: pd.DataFrame | None = None
    resources: pd.DataFrame | None = None
    own: Predictions | None = None
    """Of the test split of the data trained on."""
    ttd: Predictions | None = None
    inference: dict | None = None
    checkpoint_bytes: int | None = None
    exported_bytes: dict[Ending, int] = field(default_factory=dict)
    """By ending."""
    states: dict[str, str] = field(default_factory=dict)
    """Of what is None above, by its name: why, such as "not run" or "damaged"."""
    problems: list[str] = field(default_factory=list)
    """A line each."""

    @property
    def weights_bytes(self) -> int | None:
        """Of the weights alone, without the optimiser's state, as measured with inference."""
        return self.inference["measured"][0]["weights_bytes"] if self.inference else None

    @property
    def key(self) -> tuple[str, str]:
        return self.run.architecture, self.run.layers

    @property
    def name(self) -> str:
        """Such as `MobileNetV2 FT-F`, or `MobileNetV2 FT-F (10 %)`."""
        mark = "LEAKING " if self.run.leaking else ""
        title = f"{mark}{self.network.architecture.title} {self.run.way}"
        if self.run.percent == 100:
            return title
        known = self.training is not None or (self.own is None and self.ttd is None)
        return f"{title} ({self.run.percent:g} %)" if known else f"{title} (a part)"

    def missing(self, what: str) -> str:
        """Of what may be None above: why it is, and what makes it."""
        if what not in self.states:
            return ""
        training = self._commands()["training"]
        made_by = self._commands().get(what, training)
        steps = dict.fromkeys([training, made_by] if "training" in self.states else [made_by])
        return f"{self.states[what]}; {', then '.join(steps)}"

    def _commands(self) -> dict[str, str]:
        """What makes the things that training does not."""
        measuring = " ".join(["python scripts/measure_inference.py", *self.run.flags])
        return {
            "training": self.run.training_command,
            "own": self.run.prediction_command(),
            "ttd": self.run.prediction_command("--test-on", TTD),
            "inference": measuring,
        }


def trained(run: Run) -> dict | None:
    """The manifest of the run that made `run.model`, or of a finished run whose model is gone."""
    if run.model.exists():
        return model_file.read_card(run.model)
    manifest = files.read_json(run.manifest) if run.manifest.exists() else {}
    return manifest if manifest.get("status") == "finished" else None


def trained_models(
    wanted: RunsWanted, folders: Folders, leaking: bool = False
) -> list[TrainedModel]:
    """Every network both ways, with what is there.

    Args:
        leaking: those trained on the test images too.

    Raises:
        UserError: a network's folder lacks its scripts.
    """

    def run_of(network: Network, layers: str, percent: float) -> Run:
        data = TrainingData(wanted.dataset, percent)
        return Run(network.architecture.name, layers, data, folders, leaking)

    def found(network: Network, layers: str) -> Run | None:
        """The run that is there: of the percent asked for, or full, or a part's."""
        for percent in (wanted.percent,) if wanted.percent else (100.0, SOME_PERCENT):
            run = run_of(network, layers, percent)
            if run.model.exists() or run.results() or _finished(run):
                known = wanted.percent or percent == 100
                return run if known else run_of(network, layers, _percent(run))
        return None

    pairs = [(network, layers) for network in networks() for layers in network.recipes]
    runs = [found(*pair) for pair in pairs]
    # What is not run at all is to be run on as much as the others.
    most = wanted.percent or max((run.percent for run in runs if run), default=100.0)
    return [
        _model(network, run or run_of(network, layers, most))
        for (network, layers), run in zip(pairs, runs, strict=True)
    ]


def leaking_models(wanted: RunsWanted, folders: Folders) -> list[TrainedModel]:
    """What there is of networks that have learned from the test images too."""
    found = trained_models(wanted, folders, leaking=True)
    there = ("training", "own", "ttd")
    return [m for m in found if m.problems or any(getattr(m, of) is not None for of in there)]


def _model(network: Network, run: Run) -> TrainedModel:
    model = TrainedModel(network, run)
    model.training = _read(model, "training", lambda: _training(run))
    attempt = _read(model, "attempt", lambda: _manifest(run))
    model.states.pop("attempt", None)  # its figures are those of the training
    _say_of_attempt(model, attempt or {})
    other_percent = model.training is not None and model.training["percent"] != run.percent
    if other_percent:
        model.problems.append(
            f"{run.model}: trained on {model.training['percent']:g} %, not {run.percent:g} %"
        )
        model.training = None
        model.states |= dict.fromkeys(("training", "own", "ttd", "inference"), "not run")
        return model
    if not model.training:
        model.states |= dict.fromkeys(("history", "resources"), model.states["training"])
    elif attempt and attempt.get("start") != model.training["start"]:
        model.states |= dict.fromkeys(("history", "resources"), "of a later run")
    else:
        model.history = _read(model, "history", lambda: history_file.read(run.history))
        model.resources = _read(model, "resources", lambda: _resources(run.resources))
    model.own = _read(model, "own", lambda: _predictions(run, run.dataset))
    if run.dataset != TTD:
        model.ttd = _read(model, "ttd", lambda: _predictions(run, TTD))
    model.inference = _read(model, "inference", lambda: _inference(model))
    if run.model.exists():
        model.checkpoint_bytes = run.model.stat().st_size
    for ending in Ending:
        if run.exported(ending).exists():
            model.exported_bytes[ending] = files.size(run.exported(ending))
    return model


def _read(model: TrainedModel, what: str, read: Callable[[], Read | None]) -> Read | None:
    """Read one thing; say of what is missing or damaged that it is."""
    try:
        found = read()
    except UserError as error:
        if str(error) not in model.problems:  # a manifest is read for two things
            model.problems.append(str(error))
        model.states[what] = "unusable"
        return None
    if found is None:
        recorded = what in ("history", "resources")
        model.states[what] = "not recorded" if recorded else "not run"
    return found


def _say_of_attempt(model: TrainedModel, attempt: dict) -> None:
    """Say when the last training run is not the one that made the model."""
    status = attempt.get("status")
    if status == "failed":
        status = f"failed ({attempt.get('error', 'it does not say why')})"
    elif status == "running":
        status = "running, or was killed"
    if not model.training:
        if status and model.states["training"] == "not run":
            model.states["training"] = status
    elif attempt and attempt.get("start") != model.training["start"]:
        model.problems.append(
            f"{model.run.manifest}: a later run than the one that made the model, {status}; its "
            "history and resources are left out"
        )


def _manifest(run: Run) -> dict:
    """Of the last attempt to train, finished or not."""
    return files.read_json(run.manifest) if run.manifest.exists() else {}


def _training(run: Run) -> dict | None:
    manifest = trained(run)
    missing = [name for name in (*TRAINED, "start") if name not in (manifest or TRAINED)]
    if manifest and missing:
        raise UserError(f"{run.manifest}: damaged (no {missing[0]})")
    if manifest:
        training_plan.check_leaking(
            run.model if run.model.exists() else run.manifest, manifest, run
        )
    return manifest


def _finished(run: Run) -> bool:
    try:
        return trained(run) is not None
    except UserError:  # damaged, which is said when it is read again
        return True


def _percent(run: Run) -> float:
    """Of a subset run, as its manifest says."""
    try:
        percent = (trained(run) or {}).get("percent")
    except UserError:
        return SOME_PERCENT
    return percent if isinstance(percent, int | float) and 0 < percent < 100 else SOME_PERCENT


def _resources(file: Path) -> pd.DataFrame | None:
    table = table_file.read(file, RESOURCES)
    return table if table is None else table.reindex(columns=["seconds", *RESOURCES, *GPU])


def _predictions(run: Run, tested_on: str) -> Predictions | None:
    file = run.result(tested_on)
    if not file.exists():
        return None
    found = predictions.read(file, all_classes=tested_on == run.dataset)
    if found.leaking != run.leaking:
        raise UserError(f"{file}: its model has learned from other images than its name says")
    return found


def _inference(model: TrainedModel) -> dict | None:
    if not model.run.inference.exists():
        return None
    measured = files.read_json(model.run.inference)
    try:
        for timing in measured["measured"]:
            for milliseconds in timing["milliseconds"].values():
                if not (len(milliseconds) and np.isfinite(milliseconds).all()):
                    raise ValueError("times that are no numbers")
            timing["weights_bytes"] + timing["peak_rss_bytes"]  # are there and numbers
        of = measured["model_start"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{model.run.inference}: damaged ({error})") from None
    if model.training and of != model.training["start"]:
        raise UserError(f"{model.run.inference}: of an earlier model; measure again")
    return measured
