"""A shuffled epoch from the store compared with numpy.memmap, and with the report's layout."""

import collections
import time
from collections.abc import Iterable
from pathlib import Path

import bcolz
import numpy as np

from sentiment.base import sha256sums
from sentiment.benchmark.timing import Comparison, compare
from sentiment.data.arrays import CHUNK
from sentiment.data.collections.collection import Photo
from sentiment.data.image_size import SIDE
from sentiment.data.split import Split, Writer
from sentiment.engine.batches import WINDOW, Batches

BATCH = 64
RAW = "numpy.memmap in order"
HELD = 2 * WINDOW * CHUNK // BATCH
"""Batches that the store has in memory to mix and to read ahead. With so many, a batch's memory is
no longer in the processor's cache when it is filled again, which bounds any such reader."""
REPORTS_IMAGES = 512
"""Images stored in the report's layout, all of which are read once."""


def compare_reading(images: np.ndarray, count: int, work: Path, rounds: int) -> Comparison:
    """Time epochs over `count` images.

    Args:
        images: uint8, shape (n, SIDE, SIDE, 3), which are stored over and over.
        count: how many images to store and read.
        work: an empty folder.
        rounds: how often each way is timed.
    """
    plain, split = _stored(images, count, work)
    batches = Batches(split, np.arange(count), BATCH, shuffle_seed=1)
    repeated = images[np.resize(np.arange(len(images)), REPORTS_IMAGES)]
    reports = bcolz.carray(repeated.astype(np.float32), rootdir=str(work / "report"))
    reports.flush()
    order = np.random.default_rng(1)

    def in_order(held: int) -> float:
        starts = range(0, count, BATCH)
        return _seconds((np.array(plain[i : i + BATCH]) for i in starts), count, held)

    def shuffled() -> float:
        batches.start_epoch(int(order.integers(1000)))
        return _seconds((batches[i][0] for i in range(len(batches))), count)

    def as_the_report() -> float:
        rows = order.permutation(REPORTS_IMAGES)
        parts = np.split(rows, range(BATCH, REPORTS_IMAGES, BATCH))
        report_batches = (np.stack([reports[int(row)] for row in part]) for part in parts)
        return _seconds(report_batches, REPORTS_IMAGES)

    ways = {
        RAW: lambda: in_order(held=1),
        f"the same, {HELD} batches held": lambda: in_order(HELD),
        "the store, shuffled": shuffled,
        "the report's layout (float32, random rows)": as_the_report,
    }
    return compare(f"reading, {count:,} images in the page cache", RAW, ways, rounds)


def _stored(images: np.ndarray, count: int, work: Path) -> tuple[np.memmap, Split]:
    """Store `count` images, the given ones over and over, as plain bytes and as a split."""
    writer = Writer(work / "store", SIDE, count)
    with (work / "raw").open("wb") as raw:
        for row in range(count):
            image = images[row % len(images)]
            writer.append(image, Photo(str(row), 0))
            raw.write(image.data)
    sha256sums.write(work, writer.close()[1])
    plain = np.memmap(work / "raw", np.uint8, "r", shape=(count, SIDE, SIDE, 3))
    return plain, Split(sha256sums.read(work, "measure again"), "store")


def _seconds(batches: Iterable[np.ndarray], count: int, held: int = 1) -> float:
    """Seconds for each image until the last batch is there; the last `held` batches are kept."""
    started = time.perf_counter()
    collections.deque(batches, maxlen=held)
    return (time.perf_counter() - started) / count
