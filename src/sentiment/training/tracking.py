"""TensorBoard's record of a training, which goes on with it."""

import dataclasses
import time

import keras

from sentiment.base.monitor import Monitor
from sentiment.runs.event_file import EventFile, Setting
from sentiment.runs.run_files import Run
from sentiment.runs.training_plan import Training
from sentiment.training.history import History

POINTS = 100
"""Points of the curves over batches in an epoch, at most."""

SYSTEM = ("cpu_percent", "rss_bytes", "gpu_memory_bytes", "gpu_percent")
"""What is recorded of the monitor's columns."""


class Tracking(keras.callbacks.Callback):
    """Records epochs, groups of batches, and the machine's load; the recipe and pictures too.

    A training that goes on says all of its earlier epochs again, as its checkpoint has them, and
    goes on with the curves over batches where the checkpoint was saved. So each epoch and each
    group of batches is in the record once, wherever the training was stopped.

    Args:
        history: is where the training goes on.
    """

    def __init__(self, training: Training, history: History, monitor: Monitor):
        super().__init__()
        self.history, self.monitor = history, monitor
        self._step = len(history.rows) * self._in_epoch + history.batches.first
        """Batches learned from since the training began."""
        self._epochs = EventFile(training.run.tensorboard, first_step=0)
        self._batches = EventFile(training.run.tensorboard / "batches", self._step + 1)
        self._sample: dict[str, float | None] = {}
        """The monitor's row that was recorded last."""
        self._epochs.add_text("recipe", _table(_settings(training)))
        self._epochs.add_settings(_settings(training))
        self._began = time.time() - sum(map(_seconds, history.rows))
        """When the training began, had it never been stopped, in seconds since 1970."""
        for row in history.rows:
            self._add(row)

    def close(self) -> None:
        """Record no more."""
        self._epochs.close()
        self._batches.close()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        before, in_epoch = self._step, self._in_epoch
        done = self.history.batches.first + self.history.done
        self._step = before // in_epoch * in_epoch + done
        group = -(-in_epoch // POINTS)
        if before // group < self._step // group:
            rate = float(keras.ops.convert_to_numpy(self.history.rate(self._step - 1)))
            reached = {name: float(value) for name, value in (logs or {}).items()}
            self._add_to_batches({"batch/learning_rate": rate} | _tagged("batch", reached))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._add(self.history.rows[-1])

    def conclude(self, pictures: dict[str, bytes]) -> None:
        """Record pictures in PNG by their tags, and no more."""
        for tag, png in pictures.items():
            self._epochs.add_picture(len(self.history.rows), tag, png)
        self.close()

    @property
    def _in_epoch(self) -> int:
        """How many batches an epoch has."""
        return self.history.batches.first + len(self.history.batches)

    def _add(self, row: dict) -> None:
        """Record an epoch, a row of the history."""
        epoch, rows = row["epoch"], self.history.rows
        when = self._began + sum(map(_seconds, rows[:epoch]))
        columns = {name: value for name, value in row.items() if name != "epoch"}
        self._epochs.add_scalars(epoch, _tagged("epoch", columns), when)

    def _add_to_batches(self, scalars: dict[str, float]) -> None:
        before, self._sample = self._sample, self.monitor.latest
        if self._sample is not before:
            known = {n: value for n in SYSTEM if (value := self._sample.get(n)) is not None}
            scalars = scalars | _tagged("system", known)
        self._batches.add_scalars(self._step, scalars, time.time())


def _settings(training: Training) -> dict[str, Setting]:
    """What the run was told, in the types that TensorBoard compares."""
    run: Run = training.run
    about = {"network": run.architecture, "dataset": run.dataset, "percent": run.percent}
    recipe = dataclasses.asdict(training.recipe)
    return {
        name: value if isinstance(value, Setting) else str(value)
        for name, value in (about | recipe).items()
    }


def _table(settings: dict[str, Setting]) -> str:
    """Settings as a table in Markdown."""
    rows = (f"| {name.replace('_', ' ')} | {value} |" for name, value in settings.items())
    return "\n".join(["| setting | value |", "| --- | --- |", *rows])


def _seconds(row: dict) -> float:
    """What an epoch took, a row of the history."""
    return row["seconds"] + row["validation_seconds"]


def _tagged(group: str, scalars: dict[str, float]) -> dict[str, float]:
    return {f"{group}/{name}": float(value) for name, value in scalars.items()}
