"""The state of a training: saved, and put back so that a killed one goes on as if never killed."""

import logging
import math
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from sentiment.base.errors import UserError
from sentiment.base.signals import Deferred
from sentiment.base.wall_time import WALL_TIME
from sentiment.engine import backend, cluster
from sentiment.training import checkpoint_file
from sentiment.training.history import History
from sentiment.training.moving_average import Average

log = logging.getLogger(__name__)

PATIENCE = ("best", "best_epoch", "wait", "stopped_epoch")
"""Attributes in which early stopping remembers the epochs before, beside the best weights."""


class Patience(keras.callbacks.EarlyStopping):
    """Early stopping on the validation loss that remembers from one `fit` to the next."""

    def __init__(self, patience: int):
        super().__init__("val_loss", mode="min", patience=patience, restore_best_weights=True)
        super().on_train_begin()

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget nothing."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """Leave the weights: the last epoch's may be trained further."""


@dataclass
class Progress:
    """How far training has come."""

    epoch: int = 0
    """Epochs finished."""
    batch: int = 0
    """Batches of the next one that have been learned from."""
    metrics: list[np.ndarray] = field(default_factory=list)
    """Values of Keras' metrics after those batches."""
    random: list[np.ndarray] = field(default_factory=backend.random_state)
    """What backend.random_state gave after those batches."""


class Checkpoint(keras.callbacks.Callback):
    """Saves after every epoch, every so many batches if wanted, and before a signal is obeyed.

    Args:
        file: the checkpoint; one that is there must have been made under the same plan.
        plan: what the run depends on, and when it began, JSON.
        every: batches between checkpoints within an epoch, or None.
        pending: signals that were put off.
    """

    def __init__(
        self,
        file: Path,
        plan: dict,
        patience: Patience,
        average: Average,
        history: History,
        every: int | None,
        pending: Deferred,
    ):
        super().__init__()
        self.file, self.plan, self.every, self.pending = file, plan, every, pending
        self.patience, self.average, self.history = patience, average, history
        self._resumed = Progress(random=[])
        """Where this process began, until that epoch is done."""
        self._random: list[np.ndarray] = []
        """State of the random generators after the epoch's last batch."""
        self._trained_metrics: list[np.ndarray] = []
        """Values of Keras' metrics after the epoch's last batch: validation begins anew."""
        self._epoch = self._done = 0
        """The epoch under way, from 0, and its batches that have been learned from."""

    def restore(self, learner: keras.Model) -> Progress:
        """Give a compiled model, early stopping and history the state that was saved, if any.

        Raises:
            UserError: the file is damaged.
        """
        if not cluster.from_first(self.file.exists):
            return Progress()
        state, arrays = checkpoint_file.read(self.file)
        try:
            assign(learner.variables, arrays["variables"])
            assign(learner.optimizer.variables, arrays["optimizer"])
            for name in PATIENCE:
                setattr(self.patience, name, state["patience"][name])
            best = arrays["best"] or learner.get_weights()
            self.patience.best_weights = best if state["epoch"] else None
            self.history.resume(state["history"], state["spent"])
            self._resumed = Progress(
                state["epoch"], state["batch"], arrays["metrics"], arrays["random"]
            )
        except (KeyError, TypeError, ValueError) as error:  # whole, but not this network's
            raise UserError(f"{self.file}: damaged ({error}); {checkpoint_file.REMEDY}") from None
        log.info("  goes on after %s, as saved in %s", _in_words(self._resumed), self.file)
        return self._resumed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        resumed = self._resumed
        self._epoch, self._done = epoch, self.history.batches.first
        if resumed.batch and epoch == resumed.epoch:
            assign(self.model.metrics_variables, resumed.metrics)
        if not resumed.batch or not len(self.history.batches):
            self._draw_on()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._draw_on()  # only now: torch draws a number when it starts to read an epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        batches, logs = self.history.batches, logs or {}
        before, self._done = self._done, batches.first + self.history.done
        due = self.every and before // self.every < self._done // self.every
        asked = self._asked()
        if (due or asked) and math.isfinite(logs["loss"]):
            self._save(Progress(self._epoch, self._done, values(self.model.metrics_variables)))
        if self.history.done == len(batches):
            self._random = backend.random_state()
        if asked:
            self._obey()

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._trained_metrics = values(self.model.metrics_variables)

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._asked():
            batches = self.history.batches
            self.average.put_back()
            done = batches.first + len(batches)
            self._save(Progress(self._epoch, done, self._trained_metrics, self._random))
            self._obey()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        asked, logs = self._asked(), logs or {}
        if math.isfinite(logs["loss"] + logs["val_loss"]):
            self._save(Progress(epoch + 1))
        self._resumed = Progress(epoch + 1)  # another `fit` may follow, before which torch draws
        if asked:
            self._obey()

    def _asked(self) -> bool:
        """Whether a signal has come, to any of the processes."""
        number = cluster.maximum(self.pending.number)
        if number > self.pending.number:
            self.pending.handle(number, None)
        return number > 0

    def _obey(self) -> None:
        cluster.barrier()  # the others wait for the first, which saves
        self.pending.act()

    def _draw_on(self) -> None:
        """Draw the random numbers that the stopped run would have drawn next."""
        if self._resumed.random:
            backend.set_random_state(self._resumed.random)
            self._random, self._resumed.random = self._resumed.random, []

    @WALL_TIME.part("saving")
    def _save(self, progress: Progress) -> None:
        if not cluster.is_first():
            return
        learner, patience = self.model, self.patience
        state = {
            "plan": self.plan,
            "epoch": progress.epoch,
            "batch": progress.batch,
            "patience": {name: getattr(patience, name) for name in PATIENCE},
            "history": self.history.rows,
            "spent": self.history.spent() if progress.batch else {},
        }
        averaged = learner.optimizer.use_ema
        best_is_last = (
            not progress.batch and not averaged and patience.best_epoch == progress.epoch - 1
        )
        arrays = {
            "variables": values(learner.variables),
            "optimizer": values(learner.optimizer.variables),
            "metrics": progress.metrics,
            "random": progress.random,
            "best": [] if best_is_last else patience.best_weights or [],
        }
        checkpoint_file.write(self.file, state, arrays)
        if self.pending:
            log.info("Saved %s after %s; the same command goes on from there", self.file,
                     _in_words(progress))  # fmt: skip


def values(variables: list[keras.Variable]) -> list[np.ndarray]:
    """Copies of what variables hold."""
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def assign(variables: list[keras.Variable], held: list[np.ndarray]) -> None:
    """Give variables the values that `values` gave."""
    for variable, value in zip(variables, held, strict=True):
        variable.assign(value)


def _in_words(progress: Progress) -> str:
    if progress.batch:
        return f"{progress.batch:,} batches of epoch {progress.epoch + 1}"
    return f"epoch {progress.epoch}"
