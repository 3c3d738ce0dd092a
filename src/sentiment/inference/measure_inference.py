"""What predicting costs on a CPU: the models of a data set, timed one after the other."""

import concurrent.futures
import logging
import math
import multiprocessing
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sentiment.base import cli, files, provenance
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.model import model_file
from sentiment.runs.run_files import BATCHES, Ending, Run, RunsWanted

log = logging.getLogger(__name__)

WARM_UP = 2
"""Calls of each batch size before those that are timed."""

FORMATS = {Ending.LITERT: "LiteRT", Ending.LITERT_INT8: "LiteRT int8"}
"""What is timed beside Keras' own where it is there, by ending."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/measure_inference.py`."""

    runs: RunsWanted = field(default_factory=RunsWanted)
    images: int = 300
    """How many images, at most: the first of the test split."""
    threads: int | None = None
    """CPU threads; without it, one for each CPU that this process may use."""
    folders: Folders = field(default_factory=Folders)


@cli.command()
def main() -> None:
    """Run `scripts/measure_inference.py`."""
    measure(cli.parse(Options))


def measure(options: Options) -> None:
    """Time every trained model, each in a process of its own; write a JSON file a run.

    A measurement of the same model with the same settings is kept.

    Raises:
        UserError: no model is there, or one cannot be run.
    """
    if options.images < 1:
        raise UserError(f"--images {options.images}: expected 1 or more")
    cpus = _cpus()
    threads = options.threads or cpus
    if not 1 <= threads <= cpus:
        raise UserError(f"--threads {threads}: expected 1 to {cpus}, the CPUs that may be used")
    dataset = Dataset(options.folders.data_dir, options.runs.dataset)
    images = min(options.images, sum(dataset.counts("test").values()))
    runs = _runs(options)
    log.info("CPU inference of %d models of %s", len(runs), dataset.name)
    log.info("  %s, %d of %d threads, on a GPU box too", _cpu_name(), threads, cpus)
    log.info("  the first %d test images, %d and %d at a time", images, *BATCHES)
    for run in runs:
        _measure_run(run, dataset, images, threads)


def _runs(options: Options) -> list[Run]:
    from sentiment.runs.collect import trained_models  # pandas, which --help does without

    wanted = options.runs
    models = trained_models(wanted, options.folders)
    runs = [model.run for model in models if model.run.model.exists()]
    if not runs:
        raise UserError(
            f"{options.folders.models_dir / wanted.dataset}: no trained model"
            + (f" of {wanted.percent:g} %" if wanted.percent else "")
            + "; train one, or all with scripts/run_all.sh"
        )
    return runs


def _measure_run(run: Run, dataset: Dataset, images: int, threads: int) -> None:
    start = model_file.read_card(run.model)["start"]
    timed = {}
    candidates = {"Keras": run.model, **{kind: run.exported(e) for e, kind in FORMATS.items()}}
    for kind, file in candidates.items():
        if not file.exists():
            continue
        if model_file.read_card(file)["start"] == start:
            timed[kind] = file
        else:
            log.info("  %s: left out, exported from an earlier model", file)
    settings = {
        "model_start": start,
        "data_fingerprint": dataset.fingerprint,
        "images": images,
        "threads": threads,
        "files": {kind: file.name for kind, file in timed.items()},
        "machine": platform.node(),
    }
    if run.inference.exists() and settings.items() <= files.read_json(run.inference).items():
        log.info("%s: already measured", run.model.name)
        return
    measured = [
        {"format": kind, **_in_fresh_process(kind, file, dataset, images, threads)}
        for kind, file in timed.items()
    ]
    for timing in measured:
        log.info("%s, %s", run.model.name, timing["format"])
        for size, milliseconds in timing["milliseconds"].items():
            log.info("  %s", in_words(int(size), milliseconds))
    versions = provenance.versions()
    content = {**settings, "cpu": _cpu_name(), "measured": measured, "versions": versions}
    files.write_json(run.inference, content)


def in_words(size: int, milliseconds: list[float]) -> str:
    """The figures of the calls with `size` images each."""
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return (
        f"{size:2} at a time: p50 {p50:.1f} ms, p95 {p95:.1f} ms, mean {np.mean(milliseconds):.1f} "
        f"ms, standard deviation {np.std(milliseconds):.1f} ms, "
        f"{1000 * size / np.mean(milliseconds):.1f} images/s, {len(milliseconds)} calls"
    )


def _in_fresh_process(kind: str, file: Path, dataset: Dataset, images: int, threads: int) -> dict:
    """Time one file where no other model has left anything, on a CPU, with pinned threads."""
    os.environ |= {
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "OMP_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
    }
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, spawn) as process:
        try:
            return process.submit(_time, kind, file, dataset, images, threads).result()
        except concurrent.futures.process.BrokenProcessPool:
            raise UserError(f"{file}: its process was killed; is there memory enough?") from None


def _time(kind: str, file: Path, dataset: Dataset, images: int, threads: int) -> dict:
    """Milliseconds of every call by batch size, the most memory taken, and the weights' bytes."""
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    pixels = dataset.split("test").images[:images]
    predict, weights_bytes = _keras(file) if kind == "Keras" else _litert(file, threads)
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


def _milliseconds(predict: Callable[[np.ndarray], object], batch: np.ndarray) -> float:
    started = time.perf_counter()
    predict(batch)
    return round(1000 * (time.perf_counter() - started), 3)


def _keras(file: Path) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    from sentiment.engine import backend

    backend.start(seed=0)
    model = model_file.load(file)
    weights = (math.prod(w.shape) * np.dtype(w.dtype).itemsize for w in model.weights)
    return model.predict_on_batch, sum(weights)


def _litert(file: Path, threads: int) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    from sentiment.inference.litert import LitertModel

    model_file.check(file)
    return LitertModel(file, threads).predict, file.stat().st_size


def _peak_rss() -> int:
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_name() -> str:
    """Such as `Intel(R) Xeon(R) Processor @ 2.60GHz`."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
