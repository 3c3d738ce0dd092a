"""The manifest of a run, read without trust: what its training took and reached."""

import dataclasses
from dataclasses import dataclass, field

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.model import model_file, model_origin
from sentiment.runs import training_plan
from sentiment.runs.run_files import Run


@dataclass(frozen=True)
class FinishedTraining:
    """What a manifest says of the training that made a model; durations are in seconds."""

    percent: float
    recipe: dict[str, object]
    training_seconds: float
    """Duration of the epochs, validation apart."""
    validation_seconds: float
    waiting_seconds: float
    """The part of the epochs in which the device had no batch."""
    best_epoch: int
    last_epoch: int
    train_images: int
    start: str
    """When training began, ISO 8601; tells models of the same name apart."""
    extraction_seconds: float = 0.0
    """Duration of computing bottleneck features."""
    backend: str | None = None
    devices: list[str] = field(default_factory=list)
    machine: str | None = None
    git_commit: str | None = None
    status: str = "finished"

    @property
    def stopped(self) -> str:
        """Where a time budget has stopped it, in words; empty if it was not."""
        return training_plan.stopped(dataclasses.asdict(self))

    @property
    def seconds(self) -> float:
        """Duration of the epochs and of computing bottleneck features."""
        return self.training_seconds + self.extraction_seconds


def finished_training(run: Run) -> FinishedTraining | None:
    """What the manifest says of the training that made the run's model; None if none finished.

    Raises:
        UserError: the model or the manifest is damaged, or has learned from other images than
            its name says.
    """
    manifest = finished_manifest(run)
    if manifest is None:
        return None
    entries = dataclasses.fields(FinishedTraining)
    for entry in entries:
        needed = entry.default is entry.default_factory is dataclasses.MISSING
        if needed and entry.name not in manifest:
            raise UserError(f"{run.manifest}: damaged (no {entry.name})")
    training_plan.check_leaking(run.model if run.model.exists() else run.manifest, manifest, run)
    return FinishedTraining(**{e.name: manifest[e.name] for e in entries if e.name in manifest})


def is_imported(run: Run) -> bool:
    """Whether the run's model is there and was not trained here.

    Raises:
        UserError: the model is damaged.
    """
    return run.model.exists() and model_origin.is_imported(model_file.read_card(run.model))


def finished_manifest(run: Run) -> dict | None:
    """The manifest of the training that made the run's model, or of a finished one without it.

    Raises:
        UserError: the model or the manifest is damaged.
    """
    if run.model.exists():
        return model_file.read_card(run.model)
    manifest = last_attempt(run)
    return manifest if manifest.get("status") == "finished" else None


def last_attempt(run: Run) -> dict:
    """The manifest of the last attempt to train, finished or not; empty if there was none.

    Raises:
        UserError: the manifest is damaged.
    """
    return files.read_json(run.manifest) if run.manifest.exists() else {}
