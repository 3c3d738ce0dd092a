"""The time that is left is known after the first epoch, although that one compiles."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from sentiment.base.time_budget import TimeBudget
from sentiment.engine.batches import Batches, fed
from sentiment.training.pace import Pace

COMPILING, STEP = 0.3, 0.1
"""Seconds that a first step takes, and any other."""


class Rows:
    """Kept in memory."""

    shape, dtype = (160, 4), np.dtype(np.float32)
    labels = np.arange(160, dtype=np.int32) % 2

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        for place in places:
            place[...] = 0


class Slow(keras.layers.Layer):
    """Takes long whenever it is traced, and its time in each step."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        time.sleep(COMPILING)

        def wait(values: tf.Tensor) -> tf.Tensor:
            time.sleep(STEP)
            return values

        return tf.ensure_shape(tf.py_function(wait, [inputs], tf.float32), inputs.shape)


def test_what_an_epoch_takes_is_known_after_the_first_within_a_fifth() -> None:
    data = keras.Input((4,))
    model = keras.Model(data, keras.layers.Dense(2, activation="softmax")(Slow()(data)))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    train, validation = (Batches(Rows(), np.arange(n), 16, None) for n in (160, 64))
    pace = Pace(train, validation, 3, TimeBudget())
    expected, ends = [], [time.perf_counter()]

    def note(*_: object) -> None:
        expected.append(pace.seconds)
        ends.append(time.perf_counter())

    noting = keras.callbacks.LambdaCallback(on_epoch_end=note)
    model.fit(
        fed(train), validation_data=fed(validation), epochs=3, shuffle=False, verbose=0,
        callbacks=[pace, noting],
    )  # fmt: skip
    first, *others = np.diff(ends).tolist()
    assert first > min(others) + COMPILING
    assert expected[0] == pytest.approx(min(others), rel=0.2)
    assert pace.left(2) == pytest.approx(sum(others), rel=0.05)
