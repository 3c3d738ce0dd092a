"""The history of a run: what each epoch reached and what it cost."""

import contextlib
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path

import keras

from sentiment.base.progress import hours_minutes_seconds, per_second, progress
from sentiment.base.wall_time import WALL_TIME
from sentiment.engine import cluster
from sentiment.runs import history_file
from sentiment.runs.history_file import REACHED
from sentiment.training.pace import Pace
from sentiment.training.schedule import Schedule

log = logging.getLogger(__name__)


class History(keras.callbacks.Callback):
    """Writes the history CSV anew after each epoch, and a line to the log."""

    def __init__(self, file: Path, pace: Pace, rate: Schedule):
        super().__init__()
        self.file, self.pace, self.rate = file, pace, rate
        self.batches, self.epochs = pace.train, pace.epochs
        self.rows: list[dict] = []
        self.done = 0
        """How many of the epoch's batches have been learned from."""
        self._bar = contextlib.ExitStack()
        """Holds the epoch's progress bar."""
        self._advance: Callable[[int], None] = lambda count: None
        """Moves the progress bar."""
        self._spent_before: dict[str, float] = {}
        """What the epoch under way had cost before a stop, in seconds."""
        now = time.perf_counter()
        self._begin = self._step_end = now
        """When the epoch began, and its last step ended."""
        self._validation_begin = math.inf
        """When validation began."""
        self._waiting = 0.0
        """Seconds of the epoch in which the device had no batch to work on."""

    def resume(self, rows: list[dict], spent: dict[str, float]) -> None:
        """Go on after a stop.

        Args:
            rows: rows of the epochs that are finished.
            spent: what the epoch under way had cost, as `spent` gave it.
        """
        self.rows, self._spent_before = rows, spent

    def spent(self) -> dict[str, float]:
        """Cost of the epoch under way so far: its "seconds", and those of them spent "waiting"."""
        return {
            "seconds": min(self._validation_begin, time.perf_counter()) - self._begin,
            "waiting": self._waiting,
        }

    def close(self) -> None:
        """Take the progress bar away."""
        self._bar.close()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if epoch != self.batches.epoch:
            self.batches.start_epoch(epoch)
        shown = progress(f"epoch {epoch + 1}/{self.epochs}", len(self.batches.rows))
        self._advance = self._bar.enter_context(shown)
        self._advance(len(self.batches.rows) - self.batches.left)
        self.done = 0
        self._step_end = time.perf_counter()
        spent, self._spent_before = self._spent_before, {}
        self._begin = self._step_end - spent.get("seconds", 0.0)
        self._validation_begin = math.inf
        self._waiting = spent.get("waiting", 0.0)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        # Where several steps are made at once, Keras' number may lie beyond the epoch's last.
        steps = range(self.done, min(batch + 1, len(self.batches)))
        self.done = steps.stop
        # A step waits from the end of the one before until its batch is handed over. Of several
        # at once the first is seen and stands for all, but for the epoch's start.
        begin = max(self._step_end, self.batches.asked)
        waited = max(0.0, float(self.batches.handed_over[steps.start]) - begin)
        waited *= len(steps) if steps.start else 1
        self._waiting += waited
        WALL_TIME.set_aside("waiting", waited)
        self._step_end = time.perf_counter()
        self._advance(sum(map(self.batches.size, steps)))

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._validation_begin = time.perf_counter()
        self.close()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        reached = {name: (logs or {})[name] for name in REACHED}
        now = time.perf_counter()
        seconds = self._validation_begin - self._begin
        waiting = min(self._waiting, seconds)
        steps = (epoch + 1) * (self.batches.first + len(self.batches))
        self.rows.append({
            "epoch": epoch + 1,
            **reached,
            "learning_rate": float(keras.ops.convert_to_numpy(self.rate(steps - 1))),
            "seconds": round(seconds, 3),
            "validation_seconds": round(now - self._validation_begin, 3),
            "waiting_seconds": round(waiting, 3),
            "images_per_second": round(len(self.batches.rows) / seconds, 2),
        })  # fmt: skip
        if cluster.is_first():
            history_file.write(self.file, self.rows)
        left = self.pace.left(self.epochs - epoch - 1)
        log.info(
            "epoch %d/%d: loss %.4f, accuracy %.4f, val_loss %.4f, val_accuracy %.4f; "
            "%s, %.0f %% waiting%s",
            epoch + 1, self.epochs, *reached.values(),
            per_second(len(self.batches.rows) / seconds), 100 * waiting / seconds,
            "" if left is None else f"; at most {hours_minutes_seconds(left)} left",
        )  # fmt: skip
