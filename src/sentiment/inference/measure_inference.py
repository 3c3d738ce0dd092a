"""What predicting costs on a CPU: the models of a data set, timed one after the other."""

import logging
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

from sentiment.base import cli, files, provenance
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.inference import latency
from sentiment.model import model_file, model_origin
from sentiment.runs.run_files import BATCHES, Ending, Run, RunsWanted

log = logging.getLogger(__name__)

KINDS = {Ending.LITERT: "LiteRT", Ending.LITERT_INT8: "LiteRT int8"}
"""Exports that are timed beside Keras' own model, and what they are called in results."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/measure_inference.py`."""

    runs: RunsWanted = field(default_factory=RunsWanted)
    images: int = 300
    """How many images to predict, at most: the first of the test split."""
    threads: int | None = None
    """CPU threads; without it, one for each CPU that this process may use."""
    browser: bool = False
    """Time the exported models in a browser on this machine instead, as a device with a camera
    runs them; the report shows it beside what other devices have measured."""
    folders: Folders = field(default_factory=Folders)


@cli.command()
def main() -> None:
    """Run `scripts/measure_inference.py`."""
    measure(cli.parse(Options))


def measure(options: Options) -> None:
    """Time every trained model, each in a process of its own; write a JSON file a run.

    A measurement of the same model with the same settings is kept. In a browser a file is written
    for each exported model, and earlier ones stay.

    Raises:
        UserError: no model is there, or one cannot be run.
    """
    if options.browser:
        return _measure_in_browser(options)
    if options.images < 1:
        raise UserError(f"--images {options.images}: expected 1 or more")
    cpus = _cpus()
    threads = options.threads or cpus
    if not 1 <= threads <= cpus:
        raise UserError(f"--threads {threads}: expected 1 to {cpus}, the CPUs that may be used")
    runs = _runs(options)
    card = model_file.read_card(runs[0].model)
    dataset = Dataset(options.folders.data_dir, model_origin.tested_on(card))
    images = min(options.images, sum(dataset.counts("test").values()))
    log.info("CPU inference of %d models of %s", len(runs), dataset.name)
    log.info("  %s, %d of %d threads, on a GPU box too", _cpu_name(), threads, cpus)
    log.info("  the first %d test images, %d and %d at a time", images, *BATCHES)
    for run in runs:
        _measure_run(run, dataset, images, threads)


def _runs(options: Options) -> list[Run]:
    """The runs that are wanted and have a model.

    Raises:
        UserError: there is none.
    """
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


def _measure_in_browser(options: Options) -> None:
    """Let a browser measure every exported model, one after the other.

    Raises:
        UserError: there is no browser, no exported model, or one does not run there.
    """
    from sentiment.inference import browser_timing  # pydantic, which --help does without
    from sentiment.runs import frame_rate

    program = browser_timing.browser()
    runs = _runs(options)
    exported = [file for run in runs for kind, file in _files(run).items() if kind != "Keras"]
    if not exported:
        raise UserError(
            f"--browser: no model of {options.runs.dataset} is exported; make one with python "
            f"scripts/export_model.py {runs[0].model}"
        )
    folder = frame_rate.folder(options.folders, options.runs.dataset)
    log.info("%d models in %s", len(exported), program)
    for file in exported:
        measured = browser_timing.measured(file, program, folder)
        log.info(
            "%s: %.1f results/s, a frame %.1f ms, p95 %.1f ms, inference %.1f ms, %d frames",
            file.name, measured.results_per_second, measured.whole.median, measured.whole.p95,
            measured.inference.median, measured.frames,
        )  # fmt: skip


def _measure_run(run: Run, dataset: Dataset, images: int, threads: int) -> None:
    """Time a run's model and its exports, and write the JSON file."""
    timed_files = _files(run)
    settings = {
        "model_start": model_file.read_card(run.model)["start"],
        "data_fingerprint": dataset.fingerprint,
        "images": images,
        "threads": threads,
        "files": {kind: file.name for kind, file in timed_files.items()},
        "machine": platform.node(),
    }
    if run.inference.exists() and settings.items() <= files.read_json(run.inference).items():
        log.info("%s: already measured", run.model.name)
        return
    measured = [
        {"format": kind, **latency.timed(file, dataset, images, threads)}
        for kind, file in timed_files.items()
    ]
    for timing in measured:
        log.info("%s, %s", run.model.name, timing["format"])
        for size, milliseconds in timing["milliseconds"].items():
            log.info("  %s", latency.in_words(int(size), milliseconds))
    versions = provenance.versions()
    content = {**settings, "cpu": _cpu_name(), "measured": measured, "versions": versions}
    files.write_json(run.inference, content)


def _files(run: Run) -> dict[str, Path]:
    """A run's model and those of its exports that were made from it, by kind."""
    start = model_file.read_card(run.model)["start"]
    made_from_it = {"Keras": run.model}
    for ending, kind in KINDS.items():
        file = run.exported(ending)
        if not file.exists():
            continue
        if model_file.read_card(file)["start"] == start:
            made_from_it[kind] = file
        else:
            log.info("  %s: left out, exported from an earlier model", file)
    return made_from_it


def _cpus() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_name() -> str:
    """The CPU's name, such as `Intel(R) Xeon(R) Processor @ 2.60GHz`."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
