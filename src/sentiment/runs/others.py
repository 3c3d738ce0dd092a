"""Predictions that stand beside the models': of models of others, and with the mirror image."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import TTD
from sentiment.model.networks import networks
from sentiment.runs import predictions
from sentiment.runs.collect import Missing, TrainedModel, noting, result_of
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import WITH_MIRROR, Run, TrainingData

IMPORTED_RESULT = "predictions"
"""Begins the name of a result that was imported, in a folder of its own name."""


@dataclass(frozen=True)
class Other:
    """Predictions for the photos of a report, of a model that was not trained here or with the
    mirror image."""

    name: str
    """Such as `VGG19 FT-A of paper`, or the name under which predictions were imported."""
    key: tuple[str, str]
    """The network's folder and the layers, as published figures are sorted; empty if not known, or
    if none are published."""
    tested: Predictions | Missing
    """Predictions for the test split of the report's data."""
    ttd: Predictions | Missing
    """Predictions for TTD."""


def result(folders: Folders, name: str, tested_on: str) -> Path:
    """The file of predictions that were imported under a name, for the data tested on."""
    return folders.models_dir / name / f"{IMPORTED_RESULT}_on_{tested_on}_result.npz"


def mirrored(models: list[TrainedModel], problems: list[str]) -> list[Other]:
    """What the models of a report predicted with the mirror image, where they were tested so.

    Args:
        problems: a line is added for each file that is damaged.
    """
    found = []
    for model in models:
        parts: list[Predictions | Missing] = []
        for tested_on in dict.fromkeys((model.tested_on, TTD)):
            part, own = None, tested_on == model.tested_on
            with noting(problems):
                part = result_of(model.run, tested_on, own, flip_test=True)
            command = model.run.prediction_command("--test-on", tested_on, "--flip-test")
            parts.append(Missing("not run", (command,)) if part is None else part)
        if not all(isinstance(part, Missing) for part in parts):
            name = f"{model.name}, {WITH_MIRROR}"
            found.append(Other(name, ("", ""), parts[0], parts[-1]))
    return found


def others(dataset: str, folders: Folders, problems: list[str]) -> list[Other]:
    """All that have predicted a data set's test split, or TTD.

    Args:
        problems: a line is added for each file that is damaged.
    """
    models: list[tuple[str, tuple[str, str], str, str]] = []
    for folder in sorted(path for path in folders.models_dir.glob("*") if path.name != dataset):
        for network in networks():
            for layers in network.recipes:
                name = network.architecture.name
                run = Run(name, layers, TrainingData(folder.name), folders)
                shown = f"{network.architecture.title} {run.way} of {folder.name}"
                command = run.prediction_command("--test-on", dataset, TTD)
                base = str(folder / run.name)
                models.append((shown, (name, layers), base, command))
                models.append((f"{shown}, {WITH_MIRROR}", ("", ""), f"{base}_flip",
                               f"{command} --flip-test"))  # fmt: skip
        command = "python scripts/import_predictions.py --help"
        models.append((folder.name, ("", ""), str(folder / IMPORTED_RESULT), command))
    return list(_with_results(models, dataset, problems))


def _with_results(
    models: list[tuple[str, tuple[str, str], str, str]], dataset: str, problems: list[str]
) -> Iterator[Other]:
    for name, key, base, command in models:
        parts: list[Predictions | Missing] = []
        for tested_on in (dataset, TTD):
            part = None
            with noting(problems):
                part = _imported(Path(f"{base}_on_{tested_on}_result.npz"), tested_on != TTD)
            parts.append(Missing("not there", (command,)) if part is None else part)
        if not all(isinstance(part, Missing) for part in parts):
            yield Other(name, key, *parts)


def _imported(file: Path, all_classes: bool) -> Predictions | None:
    """A result, if it is there and of a model that was not trained here."""
    if not file.exists():
        return None
    predicted = predictions.read(file, all_classes)
    return predicted if predicted.imported else None


def of_the_same_images(
    models: dict[str, Predictions], imported: dict[str, Predictions], problems: list[str]
) -> dict[str, Predictions]:
    """Those of the imported predictions that are of the same photos as the models'; a line is added
    to the problems for every other one."""
    if not models:
        return imported
    ours = sorted(next(iter(models.values())).paths)
    kept = {}
    for name, predicted in imported.items():
        with noting(problems):
            if sorted(predicted.paths) != ours:
                raise UserError(
                    f"{name}: predicted other images than the models here; predict or import again"
                )
            kept[name] = predicted
    return kept
