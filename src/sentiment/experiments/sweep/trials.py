"""Runs a sweep's trials, one after the other in one process, by the training scripts' own code."""

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from sentiment.base import cli, files, provenance
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.base.time_budget import BudgetSpent, TimeBudget
from sentiment.data.dataset import Dataset
from sentiment.data.joined_splits import Stored
from sentiment.engine import batches
from sentiment.experiments.sweep import trial
from sentiment.experiments.sweep.trial import Diverged, Finished, Objective
from sentiment.model.recipe import Architecture, Recipe
from sentiment.runs import accuracy, history_file, predictions, training_plan
from sentiment.runs.run_files import Run
from sentiment.runs.training_plan import Training
from sentiment.training import fit
from sentiment.training.checkpoint import assign, values
from sentiment.training.memory_remedy import memory_remedy
from sentiment.training.setup import Setup, basis

log = logging.getLogger(__name__)

TEST = "test"


@dataclass
class _SharedSetup:
    """What trials share that update the weights in other ways alone."""

    settings: dict
    """What their recipes have in common: their `basis`."""
    setup: Setup
    first_weights: list[np.ndarray]

    @cached_property
    def test_images(self) -> Stored:
        """The test split's images, or their features."""
        labels = self.setup.training.dataset.split(TEST).labels
        return self.setup.stored(TEST, np.arange(len(labels)))


class Trials:
    """Runs trials of a network on the same data and keeps what each has left.

    Args:
        where: the run whose recipe is changed; its own files are left alone.
        folder: the sweep's folder.
        objective: what trials are ranked by.
        budget: the time that all trials may take together.
        tensorboard: keep a record of each for TensorBoard.
    """

    def __init__(
        self,
        architecture: Architecture,
        dataset: Dataset,
        where: Run,
        folder: Path,
        objective: Objective,
        budget: TimeBudget,
        tensorboard: bool,
    ):
        self.architecture, self.dataset, self.where = architecture, dataset, where
        self.folder, self.objective = folder, objective
        self.budget, self.tensorboard = budget, tensorboard
        self._done: dict[str, Finished | Diverged] = {}
        """Trials by a key of all that each depends on."""
        self._shared: _SharedSetup | None = None

    @property
    def done(self) -> list[Finished | Diverged]:
        """Every trial once, in the order tried."""
        return list(self._done.values())

    def run(self, recipe: Recipe) -> Finished | Diverged:
        """Run the trial of a recipe, from where it was; one that has finished is only read.

        Raises:
            BudgetSpent: the budget has stopped the trial.
            UserError: training failed for another reason than a loss that is no number.
        """
        head_from = training_plan.head_model(recipe, self.dataset, self.where)
        plan = Training(self.architecture, recipe, self.dataset, self.where, head_from).plan
        key = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:12]
        if key in self._done:  # drawn again
            return dataclasses.replace(self._done[key], found=True)
        run = self._run_of(key)
        file = run.log_file("_trial.json")
        found = file.exists()
        if not found:
            training = Training(self.architecture, recipe, self.dataset, run, head_from)
            with cli.log_to(run.log_file(".log"), run.checkpoint.exists(), screen=False):
                record = plan | {"start": provenance.now(), **self._train_and_test(training)}
            files.write_json(file, record)
        run.checkpoint.unlink(missing_ok=True)
        number = len(self._done) + 1
        self._done[key] = trial.read(
            number, recipe, run, files.read_json(file), found, self.objective
        )
        return self._done[key]

    def _run_of(self, key: str) -> Run:
        """The run of a trial, with a folder of its own."""
        place = self.folder / "trials" / key
        folders = dataclasses.replace(self.where.folders, logs_dir=place, models_dir=place)
        return dataclasses.replace(self.where, folders=folders)

    def _train_and_test(self, training: Training) -> dict:
        """Train and test; return what the trial's file says of it."""
        begun = time.monotonic()
        try:
            with memory_remedy(training.recipe):
                with self.budget.limit():
                    shared = self._share(training)
                _, outcome = fit.fit(training, None, shared.setup, self.budget, self.tensorboard)
                if outcome["status"] == training_plan.STOPPED:
                    raise BudgetSpent
                self._test(training, shared)
                outcome["validation balanced"] = _balanced(shared.setup)
        except fit.Diverged as error:
            seconds = sum(row["seconds"] for row in error.rows)
            return {
                "status": "diverged",
                "last_epoch": error.rows[-1]["epoch"],
                "seconds": round(seconds, 3),
            }
        seconds = time.monotonic() - begun
        log.info("The trial took %.1f s, testing and what trials share included", seconds)
        return _record(training.run, outcome)

    def _share(self, training: Training) -> _SharedSetup:
        """The earlier trials' setup with its first weights, or a new one if it must differ."""
        recipe = training.recipe
        settings = basis(recipe)
        if self._shared is None or settings != self._shared.settings:
            self._shared = None  # its memory is free for the next one
            keras.config.set_dtype_policy(recipe.precision)
            keras.utils.set_random_seed(recipe.seed)
            setup = Setup(training)
            self._shared = _SharedSetup(settings, setup, values(setup.learner.variables))
        assign(self._shared.setup.learner.variables, self._shared.first_weights)
        return self._shared

    def _test(self, training: Training, shared: _SharedSetup) -> None:
        """Predict the whole test split with the weights kept, and save the result."""
        split = self.dataset.split(TEST)
        with progress("predicting", len(split)) as advance:
            y_prob = _predicted(shared.setup, shared.test_images, np.arange(len(split)), advance)
        predictions.write(
            training.run.result(self.dataset.name),
            split,
            y_prob,
            np.arange(y_prob.shape[1]),
            self.dataset.class_names,
            {
                "trial": training.run.folders.logs_dir.name,
                "data": self.dataset.fingerprint,
                "split": TEST,
            },
        )


def _predicted(
    setup: Setup, images: Stored, rows: np.ndarray, advance: Callable[[int], None]
) -> np.ndarray:
    """The probabilities of images, or of their features, float32 (n, classes)."""
    recipe = setup.training.recipe
    size = recipe.batch_size // recipe.gradient_accumulation_steps
    in_order = batches.Batches(images, rows, size, shuffle_seed=None)
    return np.concatenate(list(batches.predicted(setup.answering, in_order, advance)))


def _balanced(setup: Setup) -> float | None:
    """Balanced accuracy in validation with the weights kept; None where classes are even there."""
    images = setup.inputs["validation"]
    y_true = images.labels[images.rows]
    if not accuracy.uneven(y_true):
        return None
    y_prob = _predicted(setup, images, images.rows, lambda count: None)
    return accuracy.balanced_accuracy(y_true, y_prob.argmax(axis=1))


def _record(run: Run, outcome: dict) -> dict:
    """What the file of a finished trial says: its epochs, losses, and images got right."""
    history = history_file.read(run.history)
    if history is None:
        raise UserError(f"{run.history}: no epoch in it; give the same command again")
    best, last = history.iloc[outcome["best_epoch"] - 1], history.iloc[-1]
    tested = predictions.read(run.result(run.dataset), all_classes=True)

    def counts(n: int, share: float) -> list[int]:
        return [n, round(share * n)]

    return {
        "status": "finished",
        "best_epoch": outcome["best_epoch"],
        "last_epoch": outcome["last_epoch"],
        "best_val_loss": outcome["best_val_loss"],
        "last_loss": last["loss"],
        "training": counts(outcome["train_images"], best["accuracy"]),
        "last training": counts(outcome["train_images"], last["accuracy"]),
        "validation": counts(outcome["validation_images"], best["val_accuracy"]),
        "validation balanced": outcome["validation balanced"],
        "test": [len(tested), int(tested.right.sum())],
        "seconds": outcome["training_seconds"],
    }
