"""How long an epoch takes, measured without what only a process's first one does: compiling."""

import statistics
import time

import keras

from sentiment.base.time_budget import TimeBudget
from sentiment.engine.batches import Batches


class Pace(keras.callbacks.Callback):
    """Tells how long the epochs to come take each, and stops training before one does not fit.

    From the second epoch on, whole epochs are measured, saving included.

    Args:
        budget: the time that training may take; it is stopped as by a signal.
    """

    def __init__(self, train: Batches, validation: Batches, epochs: int, budget: TimeBudget):
        super().__init__()
        self.train, self.validation = train, validation
        self.epochs, self.budget = epochs, budget
        self.seconds: float | None = None
        """What an epoch is expected to take, validation and saving included; None if unknown."""
        self._whole: list[float] = []
        """Durations of the epochs after this process's first."""
        self._last_end: float | None = None
        self._training, self._validating = _Steps(0), _Steps(0)

    def left(self, epochs: int) -> float | None:
        """Seconds that so many epochs are expected to take; None if unknown."""
        return None if self.seconds is None else epochs * self.seconds

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._training = _Steps(len(self.train))

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._training.end(batch + 1, logs)

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._training.close()
        self._validating = _Steps(len(self.validation))

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._validating.end(batch + 1, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._validating.close()
        now = time.perf_counter()
        if self._last_end is not None:
            self._whole.append(now - self._last_end)
            self.seconds = statistics.fmean(self._whole)
        elif not len(self.train):  # it was stopped after its last step: the next one compiles
            return
        elif trained := self._training.seconds_each:
            # Where validation has no step but one that compiles: it is no slower than training.
            validated = self._validating.seconds_each or trained
            steps = self.train.first + len(self.train)
            self.seconds = steps * trained + len(self.validation) * validated
        self._last_end = now
        more = epoch + 1 < self.epochs and not self.model.stop_training
        if more and self.budget.left < (self.seconds or 0):
            self.budget.stop()


class _Steps:
    """Times the steps of a pass over batches, but for the first, which compiles, and the last.

    The last one may be of another size, which JAX compiles anew. Where several steps are made
    between two calls of Keras' callbacks, they count as one.

    Args:
        total: how many there are.
    """

    def __init__(self, total: int):
        self.total = total
        self._ends: list[tuple[int, float]] = [(0, time.perf_counter())]
        """How many steps were done, and when: at the beginning, after the first, and before the
        last."""

    def end(self, done: int, logs: dict | None) -> None:
        """Hear that so many steps have been made, or all."""
        done = min(done, self.total)
        first = self._ends[1][0] if len(self._ends) > 1 else 0
        if not first or done < self.total <= done + first:
            float((logs or {})["loss"])  # JAX returns before a step is done
            self._ends.append((done, time.perf_counter()))

    def close(self) -> None:
        """Hear that the pass is over."""
        if len(self._ends) < 3:
            self._ends.append((self.total, time.perf_counter()))

    @property
    def seconds_each(self) -> float | None:
        """Seconds of a step; None if there is none but the one that compiles."""
        (before, since), (done, now) = self._ends[-2:]
        return (now - since) / (done - before) if done > before else None
