"""Trials, one after the other in one process: trained by the training scripts' own code."""

import dataclasses
import hashlib
import json
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from sentiment.base import cli, files, provenance
from sentiment.base.progress import progress
from sentiment.data.dataset import Dataset
from sentiment.engine import batches
from sentiment.model.recipe import Architecture, Recipe
from sentiment.runs import history_file, predictions, training_plan
from sentiment.runs.accuracy import Accuracy
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import Run
from sentiment.training import fit
from sentiment.training.checkpoint import assign, values

log = logging.getLogger(__name__)

TEST = "test"


@dataclass(frozen=True)
class Trial:
    """What one recipe reached."""

    number: int
    """From 1, in the order in which the sweep tries them."""
    recipe: Recipe
    run: Run
    record: dict
    """As its file has it."""
    found: bool = False
    """It had finished before."""

    @property
    def diverged(self) -> int | None:
        """The epoch in which its loss was no longer a number."""
        return self.record["last_epoch"] if self.record["status"] == "diverged" else None

    @property
    def last_loss(self) -> float:
        """Of training, in the last epoch."""
        return self.record["last_loss"] if self.diverged is None else math.nan

    def accuracy(self, of: str) -> Accuracy | None:
        """Of `training`, `validation` and `test` with the weights kept, or `last training`."""
        return Accuracy(*self.record[of]) if self.diverged is None else None

    @property
    def in_words(self) -> str:
        """What came of it, without its test figures."""
        if self.diverged is not None:
            return f"diverged in epoch {self.diverged}"
        return (
            f"epoch {self.record['best_epoch']} of {self.record['last_epoch']}, validation "
            f"{self.accuracy('validation').value:.4f}, {self.record['seconds']:.1f} s"
        )

    @property
    def rank(self) -> tuple:
        """Sorts the best first, by validation alone: accuracy, then loss."""
        if self.diverged is not None:
            return (1, self.number)
        return (0, -self.accuracy("validation").value, self.record["best_val_loss"], self.number)

    @property
    def predicted(self) -> Predictions:
        """The test split."""
        return predictions.read(self.run.result(self.run.dataset), all_classes=True)


class Trials:
    """Runs trials of a network on the same data and keeps what each has left.

    Args:
        where: the run whose recipe is changed, with its folders; it is left alone.
        folder: of the sweep.
    """

    def __init__(self, architecture: Architecture, dataset: Dataset, where: Run, folder: Path):
        self.architecture, self.dataset, self.where = architecture, dataset, where
        self.folder = folder
        self._done: dict[str, Trial] = {}
        """By a key of all that each depends on."""
        self._shared: dict = {}
        """The settings that the setup was made with."""

    def run(self, recipe: Recipe) -> Trial:
        """The trial of a recipe: one that has finished, or gone through now, from where it was.

        Raises:
            UserError: training failed for another reason than a loss that is no number.
        """
        head_from = training_plan.head_model(recipe, self.dataset, self.where)
        plan = training_plan.Training(
            self.architecture, recipe, self.dataset, self.where, head_from
        ).plan
        key = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:12]
        if key in self._done:  # drawn again
            return dataclasses.replace(self._done[key], found=True)
        place = self.folder / "trials" / key
        folders = dataclasses.replace(self.where.folders, logs_dir=place, models_dir=place)
        run = dataclasses.replace(self.where, folders=folders)
        file = run.log_file("_trial.json")
        found = file.exists()
        if not found:
            with cli.log_to(run.log_file(".log"), run.checkpoint.exists(), screen=False):
                training = training_plan.Training(
                    self.architecture, recipe, self.dataset, run, head_from
                )
                record = plan | {"start": provenance.now(), **self._reached(training)}
            files.write_json(file, record)
        run.checkpoint.unlink(missing_ok=True)
        number = len(self._done) + 1
        self._done[key] = Trial(number, recipe, run, files.read_json(file), found)
        return self._done[key]

    @property
    def done(self) -> list[Trial]:
        """Each once, in the order tried."""
        return list(self._done.values())

    def _reached(self, training: training_plan.Training) -> dict:
        """Train and test."""
        run, recipe = training.run, training.recipe
        begun = time.monotonic()
        try:
            with fit.memory_remedy(recipe):
                setup = self._setup(training)
                _, outcome = fit.fit(training, None, setup)
                self._test(training, setup)
        except fit.Diverged as error:
            return {"status": "diverged", "last_epoch": error.rows[-1]["epoch"],
                    "seconds": round(sum(row["seconds"] for row in error.rows), 3)}  # fmt: skip
        log.info("The trial took %.1f s, testing and what trials share included",
                 time.monotonic() - begun)  # fmt: skip
        history = history_file.read(run.history)
        best, last = history.iloc[outcome["best_epoch"] - 1], history.iloc[-1]
        tested = predictions.read(run.result(run.dataset), all_classes=True)

        def of(n: int, share: float) -> list[int]:
            return [n, round(share * n)]

        return {
            "status": "finished",
            "best_epoch": outcome["best_epoch"],
            "last_epoch": outcome["last_epoch"],
            "best_val_loss": outcome["best_val_loss"],
            "last_loss": last["loss"],
            "training": of(outcome["train_images"], best["accuracy"]),
            "last training": of(outcome["train_images"], last["accuracy"]),
            "validation": of(outcome["validation_images"], best["val_accuracy"]),
            "test": [len(tested), int(tested.right.sum())],
            "seconds": outcome["training_seconds"],
        }

    def _setup(self, training: training_plan.Training) -> fit.Setup:
        """The network with its first weights, and the images: made anew only if they differ."""
        recipe = dataclasses.asdict(training.recipe)
        wanted = {name: value for name, value in recipe.items() if name not in fit.UPDATES}
        if wanted != self._shared:
            self._shared, self._first, self._images = {}, [], None  # memory for the next one
            keras.config.set_dtype_policy(training.recipe.precision)
            keras.utils.set_random_seed(training.recipe.seed)
            self._of_trials = fit.Setup(training)
            self._first = values(self._of_trials.learner.variables)
            self._shared = wanted
        assign(self._of_trials.learner.variables, self._first)
        return self._of_trials

    def _test(self, training: training_plan.Training, setup: fit.Setup) -> None:
        """Predict the whole test split with the weights kept, and save the result."""
        split = self.dataset.split(TEST)
        rows = np.arange(len(split))
        if self._images is None:
            self._images = setup.stored(TEST, rows)
        size = training.recipe.batch_size // training.recipe.gradient_accumulation_steps
        in_order = batches.Batches(self._images, rows, size, shuffle_seed=None)
        with progress("predicting", len(rows)) as advance:
            y_prob = np.concatenate([*batches.predict(setup.learner, in_order, advance)])
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
