"""What came of one trial of a sweep: it has finished, or its loss was no longer a number."""

from dataclasses import dataclass
from typing import Literal

from sentiment.model.recipe import Recipe
from sentiment.runs import predictions
from sentiment.runs.accuracy import Accuracy, Reached
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import Run

Objective = Literal["accuracy", "balanced-accuracy"]
"""What trials are ranked by, on the validation images."""


@dataclass(frozen=True)
class Trial:
    """A recipe that was tried, with what its file says."""

    number: int
    """Counted from 1, in the order in which the sweep tries its recipes."""
    recipe: Recipe
    run: Run
    record: dict
    """The content of the trial's JSON file."""
    found: bool = False
    """The trial had finished in an earlier call."""
    objective: Objective = "accuracy"

    @property
    def last_epoch(self) -> int:
        """The last epoch that was trained, counted from 1."""
        return self.record["last_epoch"]

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return self.record["seconds"]


@dataclass(frozen=True)
class Diverged(Trial):
    """A trial whose loss was no longer a number in its last epoch."""

    @property
    def outcome(self) -> str:
        """What came of it, in words."""
        return f"diverged in epoch {self.last_epoch}"

    @property
    def rank(self) -> tuple[float, ...]:
        """Sorts behind every trial that finished."""
        return (1, self.number)


@dataclass(frozen=True)
class Finished(Trial):
    """A trial that trained to its end and was tested."""

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, counted from 1."""
        return self.record["best_epoch"]

    @property
    def last_loss(self) -> float:
        """The training loss of the last epoch."""
        return self.record["last_loss"]

    def accuracy(self, split: str) -> Accuracy:
        """Accuracy on a split with the weights kept.

        Args:
            split: training, validation or test; "last training" is the last epoch's own.
        """
        return Accuracy(*self.record[split])

    @property
    def balanced(self) -> float | None:
        """Balanced accuracy in validation; None where all classes have as many images there, and
        in a trial of an earlier version."""
        return self.record.get("validation balanced")

    @property
    def score(self) -> float:
        """The objective's value; balanced accuracy is accuracy where classes are even."""
        if self.objective == "balanced-accuracy" and self.balanced is not None:
            return self.balanced
        return self.accuracy("validation").value

    @property
    def outcome(self) -> str:
        """What came of it, in words; its test figures are left out."""
        balanced = "" if self.balanced is None else f", balanced {self.balanced:.4f}"
        return (
            f"epoch {self.best_epoch} of {self.last_epoch}, validation "
            f"{self.accuracy('validation').value:.4f}{balanced}, {self.seconds:.1f} s"
        )

    @property
    def rank(self) -> tuple[float, ...]:
        """Sorts the best first, by validation alone: the objective, then loss."""
        return (0, -self.score, self.record["best_val_loss"], self.number)

    @property
    def predictions(self) -> Predictions:
        """The predictions for the test split."""
        return predictions.read(self.run.result(self.run.dataset), all_classes=True)

    @property
    def tested(self) -> Reached:
        """The accuracy on the test split, with what stands beside it."""
        tested = self.predictions
        return Reached.of(tested.y_true, tested.y_pred, tested.class_names)


def read(
    number: int, recipe: Recipe, run: Run, record: dict, found: bool, objective: Objective
) -> Finished | Diverged:
    """The trial that a record is of."""
    kind = Diverged if record["status"] == "diverged" else Finished
    return kind(number, recipe, run, record, found, objective)
