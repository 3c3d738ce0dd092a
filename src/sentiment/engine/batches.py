"""Batches of stored rows, in order or shuffled, read ahead in the background."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import keras
import numpy as np

from sentiment.base.errors import UserError
from sentiment.data.arrays import CHUNK
from sentiment.data.joined_splits import Stored
from sentiment.engine import devices
from sentiment.engine.reused_memory import ReusedMemory

if TYPE_CHECKING:
    import tensorflow as tf

WINDOW = 16
"""Chunks mixed in memory at a time: 256 images, 39 MB; two or three are held."""

AHEAD = 4
"""Batches that wait for TensorFlow's next steps."""

BLOCK = 1024
"""Images of a block that is predicted, about: after each block a caller may note what is done."""

READERS = 2
"""Threads that read, so that one is at work while the other waits for the disk."""


class Batches(keras.utils.PyDataset):
    """Batches of `(inputs, labels)`, such as uint8 (b, 224, 224, 3) and int32 (b,).

    With weights they are `(inputs, labels, weights)`, float32 (b,), as Keras takes them. With
    `beside` the inputs are a tuple of images and of what goes with each, (b, k).

    Where there are several processes, each reads its share of every batch. Batches are to be
    asked for in their order: any other order gives the same batches, but reads chunks again.

    Reading single images at random is what a disk does worst. Shuffled, an epoch instead
    reads whole chunks in random order and mixes the images of `WINDOW` chunks in memory;
    stored rows were mixed when the data were prepared. Every row comes once an epoch.

    Args:
        stored: a split, or its features.
        rows: ascending row numbers of the split, int64 (n,).
        batch_size: images a batch; the last may have fewer.
        shuffle_seed: gives each epoch its own order; None keeps the stored order.
        targets: what is given in the labels' place, float32 (b, classes), from the row numbers of
            a batch, int64 (b,).
        weights: what the loss of an image of each class is multiplied by, float32 (classes,).
        change: changes an image that was read, in place, given the epoch and the image's row.
        beside: what goes with each image of a batch, (k,), from the epoch and the batch, from 0.
    """

    def __init__(
        self,
        stored: Stored,
        rows: np.ndarray,
        batch_size: int,
        shuffle_seed: int | None,
        targets: Callable[[np.ndarray], np.ndarray] | None = None,
        weights: np.ndarray | None = None,
        change: Callable[[np.ndarray, int, int], None] | None = None,
        beside: Callable[[int, int], np.ndarray] | None = None,
    ):
        super().__init__()
        self._devices = devices.taken()
        self.stored, self.rows, self.batch_size = stored, rows, batch_size
        self.shuffle_seed, self.targets, self.weights = shuffle_seed, targets, weights
        self.change, self.beside = change, beside
        self._total = -(-len(rows) // batch_size)
        self.handed_over = np.zeros(self._total)
        """When each batch of the epoch was ready, in `time.perf_counter` seconds."""
        self.asked = 0.0
        """When the epoch's first batch was asked for, in `time.perf_counter` seconds. TensorFlow
        traces its step before that."""
        self.failure: UserError | None = None
        """Why a batch could not be read."""
        self._window = max(1, WINDOW * CHUNK // batch_size)  # in batches
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._memory = ReusedMemory(stored.dtype)
        self._lock = threading.Lock()
        self.start_epoch(0)

    def __len__(self) -> int:
        return self._total - self.first

    def size(self, index: int) -> int:
        """How many images a batch has."""
        return self._size(self.first + index)

    def _size(self, batch: int) -> int:
        return min(self.batch_size, len(self.rows) - batch * self.batch_size)

    @property
    def left(self) -> int:
        """How many images this epoch's batches have, without those that `start_epoch` left out."""
        return len(self.rows) - self.first * self.batch_size

    def start_epoch(self, epoch: int, first: int = 0) -> None:
        """Fix the order of the images for the epoch (from 0), the same on every run.

        Args:
            first: the batch to start with, where those before it have been used.
        """
        self.epoch, self.first = epoch, first
        read, places = self.rows, np.arange(len(self.rows))
        if self.shuffle_seed is not None:
            random = np.random.default_rng([self.shuffle_seed, epoch])
            chunks = _by_chunk(read, read)
            read = np.concatenate([chunks[i] for i in random.permutation(len(chunks))])
            span = self._window * self.batch_size
            windows = [places[i : i + span] for i in range(0, len(places), span)]
            places = np.concatenate([random.permutation(window) for window in windows])
            if keras.backend.backend() == "jax":
                # In each batch as they are read: a process takes its share from a few chunks.
                by_batch = np.argsort(places // self.batch_size, kind="stable")
                places[by_batch] = np.arange(len(places))
        with self._lock:
            self._order_read, self._places = read, places
            self._order = np.empty_like(read)
            self._order[places] = read
            self._read_here = self._is_read_here(places)
            self._windows: dict[int, tuple[list[np.ndarray], list[Future]]] = {}

    def _is_read_here(self, places: np.ndarray) -> np.ndarray:
        """Whether this process reads the images at these places of the epoch, bool (n,)."""
        batch, place = np.divmod(places, self.batch_size)
        shares = [self._devices.share(self._size(i)) for i in (0, self._total - 1)]
        starts, stops = (
            np.where(batch < self._total - 1, *(getattr(share, end) for share in shares))
            for end in ("start", "stop")
        )
        return (starts <= place) & (place < stops)

    def __getitem__(self, index: int) -> tuple:
        window, batch = divmod(self.first + index, self._window)
        start, size = (self.first + index) * self.batch_size, self.size(index)
        if not index:
            self.asked = time.perf_counter()
        with self._lock:
            rows = self._order[start : start + size][self._devices.share(size)]
            self._windows = {w: read for w, read in self._windows.items() if w >= window}
            for ahead in (window, window + 1):
                if ahead * self._window < self._total and ahead not in self._windows:
                    self._windows[ahead] = self._read(ahead)
            images, reading = self._windows[window]
            epoch = self.epoch
        try:
            for share in reading:
                share.result()
        except UserError as error:
            self.failure = error
            raise
        self.handed_over[index] = time.perf_counter()
        labels = self.stored.labels[rows]
        targets = labels if self.targets is None else self.targets(rows)
        weights = () if self.weights is None else (self.weights[labels],)
        inputs: np.ndarray | tuple[np.ndarray, np.ndarray] = images[batch]
        if self.beside is not None:
            beside = np.tile(self.beside(epoch, self.first + index), (len(rows), 1))
            inputs = images[batch], beside
        return self._devices.batch((inputs, targets, *weights), size)

    def _read(self, window: int) -> tuple[list[np.ndarray], list[Future]]:
        """Start to fill a window's batches, each reader every other chunk."""
        size, start, epoch = self.batch_size, window * self._window, self.epoch
        batches = range(start, min(start + self._window, self._total))
        stored = self.stored
        shares = [self._devices.share(self._size(i)) for i in batches]
        inputs = [self._memory.empty((s.stop - s.start, *stored.shape[1:])) for s in shares]

        def place(number: int) -> np.ndarray:
            batch, row = divmod(number - start * size, size)
            return inputs[batch][row - shares[batch].start]

        def fill(chunks: list[tuple[np.ndarray, np.ndarray]]) -> None:
            for rows, places in chunks:
                inputs_here = list(map(place, places.tolist()))
                stored.copy(rows, inputs_here)
                if self.change is not None:
                    for image, row in zip(inputs_here, rows.tolist(), strict=True):
                        self.change(image, epoch, row)

        span = slice(start * size, (start + self._window) * size)
        read_here = self._read_here[span]
        rows, places = self._order_read[span][read_here], self._places[span][read_here]
        chunks = list(zip(_by_chunk(rows, rows), _by_chunk(rows, places), strict=True))
        return inputs, [self._readers.submit(fill, chunks[i::READERS]) for i in range(READERS)]


def fed(batches: keras.utils.PyDataset) -> "keras.utils.PyDataset | tf.data.Dataset":
    """What Keras' loops are to be given, so that batches are read while they train.

    Keras reads a PyDataset for TensorFlow with tf.data, whose automatic tuning sometimes sleeps
    on at the end of an epoch for as long as the epoch took (TensorFlow 2.21), and on a CPU reads
    only between the steps. So for TensorFlow this makes a tf.data.Dataset without that tuning.

    Args:
        batches: as many in every epoch of the loop.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    first = batches[0]
    known = keras.tree.flatten(first)

    def flat(index: np.ndarray) -> list[np.ndarray]:
        return keras.tree.flatten(batches[index])

    def read(index: "tf.Tensor") -> tuple:
        parts = tf.numpy_function(flat, [index], [part.dtype for part in known])
        shaped = [
            tf.ensure_shape(part, (None, *like.shape[1:]))
            for part, like in zip(parts, known, strict=True)
        ]
        return keras.tree.pack_sequence_as(first, shaped)

    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    # Dataset.from_generator takes 11 ms longer to start an epoch.
    data = tf.data.Dataset.range(len(batches)).map(read)
    return data.prefetch(AHEAD).with_options(options)


def predicted(
    network: keras.Model,
    in_order: Batches,
    advance: Callable[[int], None],
    start: int = 0,
) -> Iterator[np.ndarray]:
    """Predict the rows from `start` on, in the stored order, a block at a time.

    A block is of whole batches, so that going on makes the same ones, and of whole chunks. The
    last batch is filled up, for another size would be traced and compiled anew. Where there are
    several processes, each must take every block.

    Args:
        in_order: batches that are not shuffled.
        advance: hears how many more have been done.

    Yields:
        The network's output for about BLOCK rows, float (b, ...).
    """
    stored, rows = in_order.stored, in_order.rows
    size = min(in_order.batch_size, len(rows))
    least = math.lcm(size, CHUNK)
    block = max(1, BLOCK // least) * least
    for first in range(start, len(rows), block):
        of_block = rows[first : first + block]
        count = len(of_block)
        batches = Batches(stored, np.pad(of_block, (0, -count % size), "edge"), size, None)
        bar = keras.callbacks.LambdaCallback(
            on_predict_batch_end=lambda batch, logs, count=count: advance(
                min(size, count - batch * size)
            )
        )
        with reading(batches):
            output = network.predict(fed(batches), verbose=0, callbacks=[bar])
        yield output[:count]


@contextlib.contextmanager
def reading(*sources: Batches) -> Iterator[None]:
    """Raise the error that stopped the reading, where Keras raises another one because of it."""
    try:
        yield
    except Exception:
        for failure in filter(None, (batches.failure for batches in sources)):
            raise failure from None
        raise


def _by_chunk(rows: np.ndarray, values: np.ndarray) -> list[np.ndarray]:
    """Split the values of rows where the rows go over to another chunk."""
    return np.split(values, np.flatnonzero(np.diff(rows // CHUNK)) + 1)
