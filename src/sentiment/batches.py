"""Batches of a stored split, in order or shuffled, read ahead in the background."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import keras
import numpy as np

from sentiment.store import CHUNK, IMAGE_SHAPE, Split

WINDOW = 32
"""Chunks mixed in memory at a time: 512 images, 77 MB; three or four are held."""


class Batches(keras.utils.PyDataset):
    """Batches of `(images, labels)`: uint8 (b, 224, 224, 3) and int32 (b,).

    Reading single images at random is what a disk does worst. Shuffled, an epoch instead
    reads whole chunks in random order and mixes the images of `WINDOW` chunks in memory;
    stored rows were mixed when the data were prepared. Every row comes once an epoch.

    Args:
        split: the store.
        rows: ascending row numbers, int64.
        batch_size: images a batch; the last may have fewer.
        shuffle_seed: gives each epoch its own order; None keeps the stored order.
    """

    def __init__(self, split: Split, rows: np.ndarray, batch_size: int, shuffle_seed: int | None):
        # TensorFlow runs a lone worker only between a CPU's steps. On the other backends Keras
        # looks at a first batch and, with more workers, trains on what they had ready twice.
        workers = 2 if keras.backend.backend() == "tensorflow" else 1
        super().__init__(workers=workers, max_queue_size=4)
        self.split, self.rows, self.batch_size = split, rows, batch_size
        self.shuffle_seed = shuffle_seed
        self.handed_over = np.zeros(len(self))
        """When each batch of the epoch was ready, in `time.perf_counter` seconds."""
        self._reader = ThreadPoolExecutor(1, "reader")
        self._lock = threading.Lock()
        self.start_epoch(0)

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def size(self, index: int) -> int:
        """Images of a batch."""
        return min(self.batch_size, len(self.rows) - index * self.batch_size)

    def start_epoch(self, epoch: int) -> None:
        """Fix the order of the images for the epoch (from 0), the same on every run."""
        starts = np.flatnonzero(np.diff(self.rows // CHUNK, prepend=-1))
        chunks = np.split(self.rows, starts[1:])
        if self.shuffle_seed is not None:
            random = np.random.default_rng([self.shuffle_seed, epoch])
            chunks = [chunks[i] for i in random.permutation(len(chunks))]
        windows = [np.concatenate(chunks[i : i + WINDOW]) for i in range(0, len(chunks), WINDOW)]
        if self.shuffle_seed is not None:
            windows = [random.permutation(window) for window in windows]
        with self._lock:
            self._windows = windows
            self._ends = np.cumsum([len(window) for window in windows])
            self._read: dict[int, Future[np.ndarray]] = {}

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        start = index * self.batch_size
        with self._lock:
            parts = list(self._parts(start, start + self.size(index)))
            rows = np.concatenate([self._windows[w][a:b] for w, a, b in parts])
            # A batch inside one window, as most are, is handed over without a copy.
            pixels = [self._window(w)[a:b] for w, a, b in parts]
        images = pixels[0] if len(pixels) == 1 else np.concatenate(pixels)
        self.handed_over[index] = time.perf_counter()
        return images, self.split.labels[rows]

    def _parts(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Where positions start to stop of the epoch lie: window, and from where to where in it."""
        while start < stop:
            window = int(np.searchsorted(self._ends, start, side="right"))
            offset = int(self._ends[window]) - len(self._windows[window])
            end = min(stop, int(self._ends[window]))
            yield window, start - offset, end - offset
            start = end

    def _window(self, window: int) -> np.ndarray:
        """A window's images; the next is read meanwhile, those before the last are let go."""
        for ahead in (window, window + 1):
            if ahead < len(self._windows) and ahead not in self._read:
                self._read[ahead] = self._reader.submit(self._load, self._windows[ahead])
        self._read = {w: images for w, images in self._read.items() if abs(w - window) < 2}
        return self._read[window].result()

    def _load(self, rows: np.ndarray) -> np.ndarray:
        """Images of the rows, in the order of the rows, read chunk by chunk."""
        images = np.empty((len(rows), *IMAGE_SHAPE), np.uint8)
        chunks = rows // CHUNK
        for chunk in np.unique(chunks):
            wanted = np.flatnonzero(chunks == chunk)
            first = chunk * CHUNK
            last = min(first + CHUNK, len(self.split))
            images[wanted] = self.split.images(first, last)[rows[wanted] - first]
        return images
