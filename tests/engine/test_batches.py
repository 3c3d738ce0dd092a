"""Batches of a stored split: each row once an epoch, in order or shuffled."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from helpers.scripts import SRC, start

from sentiment.base import sha256sums
from sentiment.base.time_budget import TimeBudget
from sentiment.data.arrays import CHUNK
from sentiment.data.collections.collection import Photo
from sentiment.data.split import Split, Writer
from sentiment.engine.batches import WINDOW, Batches, fed
from sentiment.engine.reused_memory import ReusedMemory
from sentiment.training.history import History
from sentiment.training.pace import Pace

COUNT = 1300
"""Images stored: more than two windows, and no whole number of chunks."""
LABELS = np.random.default_rng(0).integers(3, size=COUNT)

ROWS = {
    "all": np.arange(COUNT),
    "a third": np.arange(1, COUNT, 3),
    "a few": np.array([0, 15, 16, 700, 1298, 1299]),
}


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """A real store; each of image i's pixels encodes i and the image's label."""
    writer = Writer(tmp_path_factory.mktemp("store") / "train", 224, COUNT)
    image = np.empty((224, 224, 3), np.uint8)
    for row, label in enumerate(LABELS):
        image[:] = (row // 256, row % 256, label)
        writer.append(image, Photo(str(row), label))
    folder = writer.folder.parent
    sha256sums.write(folder, writer.close()[1])
    return Split(sha256sums.read(folder, ""), "train")


def row_numbers(batch: tuple[np.ndarray, np.ndarray]) -> list[int]:
    """Which rows a batch holds, by its pixels, which must belong to its labels."""
    images, of_images = batch
    assert images.dtype == np.uint8
    assert of_images.dtype == np.int32
    pixels = images[:, 0, 0].astype(int)
    assert (images[:, ::74, ::74] == images[:, :1, :1]).all()
    assert (pixels[:, 2] == of_images).all()
    return (pixels[:, 0] * 256 + pixels[:, 1]).tolist()


def one_epoch(batches: Batches) -> list[list[int]]:
    """Row numbers, batch by batch."""
    return [row_numbers(batches[index]) for index in range(len(batches))]


@pytest.mark.parametrize("batch_size", [48, 600])
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("shuffle_seed", [None, 1])
def test_each_row_comes_exactly_once_an_epoch_with_its_label(split, shuffle_seed, rows, batch_size):
    epoch = one_epoch(Batches(split, ROWS[rows], batch_size, shuffle_seed))
    *full, last = map(len, epoch)
    assert set(full) <= {batch_size}
    assert 1 <= last <= batch_size
    seen = [row for batch in epoch for row in batch]
    if shuffle_seed is not None:
        seen.sort()
    assert seen == ROWS[rows].tolist()


def test_a_shuffled_batch_comes_from_all_over_its_window(split):
    first = row_numbers(Batches(split, ROWS["all"], 64, shuffle_seed=1)[0])
    assert len({row // CHUNK for row in first}) > WINDOW / 2
    assert first != sorted(first)


def test_another_epoch_has_another_order_and_the_same_epoch_the_same(split):
    def epochs(seed):
        batches = Batches(split, np.arange(300), 64, seed)
        for epoch in range(3):
            batches.start_epoch(epoch)
            yield one_epoch(batches)

    orders = [*epochs(seed=1), *epochs(seed=2)]
    assert all(one != other for i, one in enumerate(orders) for other in orders[:i])
    assert list(epochs(seed=1)) == orders[:3]


def test_two_threads_at_random_get_the_batches_of_one_in_order(split):
    expected = one_epoch(Batches(split, ROWS["all"], 48, shuffle_seed=1))
    batches = Batches(split, ROWS["all"], 48, shuffle_seed=1)
    order = np.random.default_rng(0).permutation(len(batches)).tolist()
    with ThreadPoolExecutor(2) as pool:
        given = list(pool.map(lambda index: row_numbers(batches[index]), order))
    assert given == [expected[index] for index in order]


def test_a_batch_that_somebody_holds_is_not_written_over(split):
    """A view of it holds it too, such as what a backend makes of it without copying."""
    expected = one_epoch(Batches(split, ROWS["all"], 48, shuffle_seed=1))
    batches = Batches(split, ROWS["all"], 48, shuffle_seed=1)
    held = [
        (images[:, ::2].reshape(len(images), 112, 224, 3), labels)
        for images, labels in (batches[index] for index in range(len(batches)))
    ]
    assert [row_numbers(batch) for batch in held] == expected


def test_memory_that_nobody_holds_is_used_again():
    memory = ReusedMemory(np.dtype(np.uint8))
    first = memory.empty((5, 7))
    view = first[2:, 1:].T
    second, address = memory.empty((5, 7)), first.__array_interface__["data"]
    assert not np.shares_memory(first, second)
    del first
    assert not np.shares_memory(view, memory.empty((5, 7)))
    del view
    assert address in {memory.empty((5, 7)).__array_interface__["data"]}
    assert not np.shares_memory(second, memory.empty((5, 7)))


class Rows:
    """Kept in memory, and read as from a slow disk."""

    shape, dtype = (320, 4), np.dtype(np.float32)
    labels = np.arange(320, dtype=np.int32) % 2

    def __init__(self, seconds_a_chunk: float):
        self.seconds = seconds_a_chunk

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        time.sleep(self.seconds)
        for row, place in zip(rows, places, strict=True):
            place[...] = row


@pytest.mark.parametrize(("seconds_a_chunk", "waits"), [(0.05, True), (0.0, False)])
def test_waiting_is_the_time_for_data_alone(seconds_a_chunk, waits, tmp_path):
    """The first epoch traces the step, which is no waiting."""
    train = Batches(Rows(seconds_a_chunk), np.arange(320), 16, shuffle_seed=1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    validation = Batches(Rows(0.0), np.arange(16), 16, None)
    pace = Pace(train, validation, 2, TimeBudget())
    history = History(tmp_path / "history.csv", pace, rate=lambda step: 0.01)
    model.fit(
        fed(train), validation_data=fed(validation), epochs=2, shuffle=False, verbose=0,
        callbacks=[pace, history],
    )  # fmt: skip
    first, second = ((row["waiting_seconds"], row["seconds"]) for row in history.rows)
    assert (second[0] > 0.5 * second[1]) is waits
    assert first[0] < 0.5 * first[1]  # its first batches were read before it began


FIT = """
import sys
from pathlib import Path

import keras
import numpy as np
from keras import ops

from sentiment.engine.batches import Batches, fed, predicted
from sentiment.base.sha256sums import read
from sentiment.data.split import Split

split = Split(read(Path(sys.argv[1]), ""), "train")
batches = Batches(split, np.arange(len(split)), 48, shuffle_seed=1)
traced = []


class Number(keras.layers.Dense):
    def call(self, inputs):
        traced.append(inputs.shape)
        return super().call(inputs)


image = keras.Input((224, 224, 3), dtype="uint8")
number = Number(1, use_bias=False)  # learns nothing: its rate is 0
model = keras.Model(image, number(ops.cast(image[:, 0, 0, :2], "float32")))
number.set_weights([np.array([[256.0], [1.0]])])
model.compile(
    keras.optimizers.SGD(0.0),
    "mse",
    metrics=[
        keras.metrics.MeanMetricWrapper(lambda true, row: row[:, 0], name="row"),
        keras.metrics.MeanMetricWrapper(lambda true, row: row[:, 0] ** 2, name="square"),
        keras.metrics.MeanMetricWrapper(
            lambda true, row: ops.cast(ops.reshape(true, (-1,)), "float32") * row[:, 0],
            name="with_label",
        ),
    ],
)
next_epoch = keras.callbacks.LambdaCallback(
    on_epoch_begin=lambda epoch, logs: batches.start_epoch(epoch)
)
history = model.fit(fed(batches), epochs=3, verbose=0, callbacks=[next_epoch]).history
traced.clear()
told = []
for taken in (np.arange(len(split)), np.arange(1, len(split), 3)):
    blocks = [*predicted(model, Batches(split, taken, 48, shuffle_seed=None), told.append)]
    assert len(blocks) == 1 + (len(taken) > 1024)
    np.testing.assert_array_equal(np.concatenate(blocks)[:, 0], taken)
    assert sum(told) == len(taken)
    told.clear()
assert len(traced) == 1, traced
rows = np.arange(len(split), dtype=float)
for name, expected in (
    ("row", rows), ("square", rows**2), ("with_label", rows * split.labels)
):
    np.testing.assert_allclose(history[name], expected.mean(), rtol=2e-6, err_msg=name)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_keras_trains_on_each_row_once_an_epoch_and_predicts_in_order_traced_once(backend, split):
    settings = {"KERAS_BACKEND": backend, "PYTHONPATH": str(SRC)}
    done = start(sys.executable, "-c", FIT, split.images.folder.parents[1], **settings)
    assert done.returncode == 0, done.stderr


def test_images_are_changed_by_epoch_and_row_and_what_goes_beside_them_comes_with_each(split):
    def change(image, epoch, row):
        image[:] = (row // 256, row % 256, 10 * epoch + image[0, 0, 2])

    def beside(epoch, batch):
        return np.float32([epoch, batch])

    batches = Batches(split, ROWS["a third"], 48, 1, change=change, beside=beside)
    batches.start_epoch(2, first=3)
    for index, ((images, with_each), of_images) in enumerate(fed(batches).as_numpy_iterator()):
        pixels = images[:, 5, 7].astype(int)
        np.testing.assert_array_equal(LABELS[pixels[:, 0] * 256 + pixels[:, 1]], of_images)
        np.testing.assert_array_equal(pixels[:, 2], 20 + of_images)
        np.testing.assert_array_equal(with_each, [[2, 3 + index]] * len(images))
    assert index == len(batches) - 1
