"""FT-F on stored features compared with FT-F through all layers, and one forward pass alone."""

import dataclasses
import shutil
import time
from pathlib import Path

from sentiment.base.project import Folders
from sentiment.benchmark.timing import Comparison, compare
from sentiment.data.dataset import Dataset
from sentiment.data.feature_store import FOLDER
from sentiment.engine.batches import Batches, predicted
from sentiment.model import build, model_file
from sentiment.model.build import build_model
from sentiment.model.networks import Network
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training
from sentiment.training import fit, setup

UNCACHED = "FT-F through all layers in every epoch"


def compare_ft_f(
    network: Network, weights: str, dataset: Dataset, percent: float, work: Path, rounds: int
) -> Comparison:
    """Time FT-F's training phase, its features computed anew each time.

    The forward pass takes the training and validation images through the network once, and
    saves the model.
    """
    architecture, recipe = network.architecture, network.recipes["fc"]
    # With such patience no training ends early.
    recipe = dataclasses.replace(recipe, weights=weights, patience=recipe.epochs)
    folders = Folders(logs_dir=work / "logs", models_dir=work / "models")
    run = Run(architecture.name, "fc", TrainingData(dataset.name, percent), folders)
    run.history.parent.mkdir(parents=True, exist_ok=True)
    training = Training(architecture, recipe, _aside(dataset, work / "data"), run)
    ways = {
        UNCACHED: lambda: _train(training, cache=False),
        "FT-F on features computed once": lambda: _train(training, cache=True),
        "one forward pass, and saving": lambda: _pass_forward(training),
    }
    title = f"{architecture.title} FT-F, {recipe.epochs} epochs"
    return compare(title, UNCACHED, ways, rounds)


def _train(training: Training, cache: bool) -> float:
    """Seconds for each image of a whole training that computes features anew, if any."""
    shutil.rmtree(training.dataset.folder / FOLDER, ignore_errors=True)
    recipe = dataclasses.replace(training.recipe, feature_cache=cache)
    trained, outcome = fit.fit(dataclasses.replace(training, recipe=recipe), None)
    training.run.checkpoint.unlink()
    started = time.perf_counter()
    model_file.save(trained, training.run.model, outcome)
    saving = time.perf_counter() - started
    parts = ("extraction_seconds", "training_seconds", "validation_seconds")
    images = outcome["train_images"] + outcome["validation_images"]
    return (sum(outcome[part] for part in parts) + saving) / images


def _pass_forward(training: Training) -> float:
    """Seconds for each image of one pass through the frozen layers, and of saving a model."""
    dataset, recipe = training.dataset, training.recipe
    whole = build_model(training.architecture, recipe, len(dataset.class_names))
    backbone, images = build.without_head(whole), 0
    started = time.perf_counter()
    for split in ("train", "validation"):
        stored = dataset.split(split)
        rows = setup.rows_of(stored, training.run, recipe)
        batches = Batches(stored, rows, recipe.batch_size, None)
        for _ in predicted(backbone, batches, lambda count: None):
            pass
        images += len(rows)
    model_file.save(whole, training.run.model, {})
    return (time.perf_counter() - started) / images


def _aside(dataset: Dataset, data_dir: Path) -> Dataset:
    """Link prepared data into another folder, without their stored features."""
    folder = data_dir / dataset.name
    folder.mkdir(parents=True)
    for path in dataset.folder.iterdir():
        if path.name != FOLDER:
            (folder / path.name).symlink_to(path.resolve())
    return Dataset(data_dir, dataset.name)
