"""Tells steps, validation and the first step of each, which traces, apart in the wall time."""

import keras

from sentiment.base.wall_time import WALL_TIME


class StepTimes(keras.callbacks.Callback):
    """Counts what passes in an epoch as first_steps, steps, validation or other.

    TensorFlow traces, and JAX compiles, within the first call of a step, of which the first batch
    tells. It comes behind the history, which sets aside what of a step was waiting.
    """

    def __init__(self) -> None:
        super().__init__()
        self._traced: set[str] = set()
        """Which of steps and validation have made their first step."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._begin("steps")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._end_step("steps")

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._begin("validation")

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._end_step("validation")

    def on_test_end(self, logs: dict | None = None) -> None:
        WALL_TIME.turn_to("other")

    def _begin(self, part: str) -> None:
        WALL_TIME.turn_to(part if part in self._traced else "first_steps")

    def _end_step(self, part: str) -> None:
        if part not in self._traced:
            self._traced.add(part)
            WALL_TIME.turn_to(part)
