"""The time that a model's calls take on a CPU, in a process of its own."""

import math
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sentiment.base.process_call import ProcessCall
from sentiment.data.dataset import Dataset
from sentiment.engine import backend
from sentiment.model import model_file
from sentiment.runs.run_files import BATCHES

WARM_UP = 2
"""Calls of each batch size before those that are timed."""

Predict = Callable[[np.ndarray], object]
"""Predicts photos, uint8 (n, side, side, 3)."""


def timed(file: Path, dataset: Dataset, images: int, threads: int) -> dict:
    """Time a model where no other one has left anything: in a new process, on pinned threads.

    A process for Keras is forked, where the system can, from one that has only imported Keras.

    Args:
        file: a `.keras` model, or one exported to LiteRT.
        images: how many images of the test split to predict: the first ones.
        threads: CPU threads.

    Returns:
        `milliseconds` of every call, a list for each of BATCHES, by its number as text;
        `peak_rss_bytes`, the most memory that the process took; and `weights_bytes`.

    Raises:
        UserError: the file is damaged, or the process was killed.
    """
    backend.compute_on_cpu()
    os.environ |= {"OMP_NUM_THREADS": str(threads), "TF_NUM_INTRAOP_THREADS": str(threads)}
    with_keras = file.suffix == ".keras"
    with ProcessCall(file, _time, file, dataset, images, threads, warm=with_keras) as timing:
        return timing.answer()


def _time(file: Path, dataset: Dataset, images: int, threads: int) -> dict:
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    pixels = dataset.split("test").images[:images]
    predict, weights_bytes = _keras(file) if file.suffix == ".keras" else _litert(file, threads)
    milliseconds = {}
    for size in BATCHES:
        # The last batch is filled up with the first images.
        starts = range(0, images, size)
        batches = [pixels.take(range(s, s + size), axis=0, mode="wrap") for s in starts]
        for _ in range(WARM_UP):
            predict(batches[0])
        milliseconds[str(size)] = [_milliseconds(predict, batch) for batch in batches]
    return {
        "milliseconds": milliseconds,
        "peak_rss_bytes": _peak_rss(),
        "weights_bytes": weights_bytes,
    }


def _milliseconds(predict: Predict, batch: np.ndarray) -> float:
    started = time.perf_counter()
    predict(batch)
    return round(1000 * (time.perf_counter() - started), 3)


def _keras(file: Path) -> tuple[Predict, int]:
    """Load a Keras model; return what predicts, and the bytes of its weights."""
    backend.start(seed=0)
    model = model_file.load(file)
    weights = (math.prod(w.shape) * np.dtype(w.dtype).itemsize for w in model.weights)
    return model.predict_on_batch, sum(weights)


def _litert(file: Path, threads: int) -> tuple[Predict, int]:
    """Load a LiteRT model; return what predicts, and the bytes of its file."""
    from sentiment.inference.litert import LitertModel  # only here: a process for Keras has none

    model_file.check(file)
    return LitertModel(file, threads).predict, file.stat().st_size


def _peak_rss() -> int:
    """The most resident memory that this process has taken, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def in_words(size: int, milliseconds: list[float]) -> str:
    """The figures of the calls with `size` images each."""
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return (
        f"{size:2} at a time: p50 {p50:.1f} ms, p95 {p95:.1f} ms, mean {np.mean(milliseconds):.1f} "
        f"ms, standard deviation {np.std(milliseconds):.1f} ms, "
        f"{1000 * size / np.mean(milliseconds):.1f} images/s, {len(milliseconds)} calls"
    )
