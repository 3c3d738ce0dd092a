"""The whole job, from JPEGs to a tested model, beside the scripts that people would write."""

import contextlib
import csv
import json
import logging
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sentiment.base import files, project
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.benchmark import first_weights, forked_scripts
from sentiment.benchmark.timing import quiet
from sentiment.data.collections import readers
from sentiment.data.collections.origin import Origin
from sentiment.data.dataset import Dataset
from sentiment.data.decoding import decoders
from sentiment.data.preparation import Preparation
from sentiment.model import networks
from sentiment.model.networks import Network
from sentiment.runs import predictions
from sentiment.runs.accuracy import Accuracy, accuracy
from sentiment.runs.run_files import Run, TrainingData

log = logging.getLogger(__name__)

JOBS = {"fc": "FT-F", "all": "FT-A"}
"""What is trained, by layers: FT-F from the JPEGs on, then FT-A from what FT-F's job has left."""
OURS, ONE_BY_ONE = "this suite", "the same, one by one"
KERAS, PYTORCH = "ordinary Keras", "ordinary PyTorch"
"""The sides. This suite's scripts are forked as `run_all` forks them, and started one by one."""
RATES = {"fc": "0.03", "all": "0.0001"}
"""Learning rates of every side, for hundreds of photos, by layers. That of FT-A is low, for batch
normalisation is kept as in inference."""
FOLDERS = {"train": "train", "validation": "valid", "test": "test"}
"""Folders of the splits in a collection of class folders."""
NAME = "job"
"""Name of the prepared data."""


@dataclass(frozen=True)
class Job:
    """What every side does."""

    network: Network
    photos: Path
    """Class folders in train, valid and test."""
    weights: Path
    """The first weights, in Keras' format."""
    epochs: tuple[int, int]
    """Epochs of FT-F and of FT-A."""
    batch_size: int


Start = Callable[[Path], contextlib.AbstractContextManager[Callable[[list], None]]]
"""Given a folder for errors, what runs a script of Python to its end, for a block."""

Timed = Iterator[tuple[str, Accuracy]]
"""Yields the layers of a job and what it reached, when it is done."""


@dataclass
class Side:
    """What one side took and reached, by layers."""

    run: Callable[[Path], Timed]
    """Does both jobs in an empty folder."""
    skipped: str = ""
    """Why it is not run, in words; empty if it is."""
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Wall seconds of its processes, one number a round."""
    accuracy: dict[str, Accuracy] = field(default_factory=dict)
    """On the test photos, in the last round."""


def measure(
    network: Network,
    weights: str,
    photos: Path,
    work: Path,
    epochs: tuple[int, int],
    batch_size: int,
    rounds: int,
) -> list[dict]:
    """Time both jobs of every side, one side after the other, each anew in a folder of its own.

    Args:
        weights: the network's first weights: imagenet, none, or a file in Keras' format.
        photos: a collection, told by its lists, or class folders.
        work: an empty folder.
        epochs: epochs of FT-F and of FT-A.

    Returns:
        A row for each job and side.

    Raises:
        UserError: the photos or weights are not there or of another form, or a side failed.
    """
    source, counts = _as_class_folders(photos, work)
    skipped = _first_weights(network, weights, work)
    of_keras, of_pytorch = work / first_weights.KERAS, work / first_weights.PYTORCH
    job = Job(network, source, of_keras, epochs, batch_size)
    known = ["--network", first_weights.application(network)]
    known += ["--preprocessing", network.architecture.preprocessing]
    sides = {
        OURS: Side(lambda folder: _ours(job, folder, _forking)),
        ONE_BY_ONE: Side(lambda folder: _ours(job, folder, _starting)),
        KERAS: Side(
            lambda folder: _ordinary(job, "ordinary_keras.py", of_keras, folder, *known),
            skipped["keras"],
        ),
        PYTORCH: Side(
            lambda folder: _ordinary(job, "ordinary_pytorch.py", of_pytorch, folder),
            skipped["pytorch"],
        ),
    }
    log.info("Whole job: %s, photos %s, %d epochs of FT-F and %d of FT-A, batch size %d",
             network.architecture.title, ", ".join(f"{n} {c:,}" for n, c in counts.items()),
             *epochs, batch_size)  # fmt: skip
    for number in range(rounds):
        turn = number % len(sides)
        for name in [*sides][turn:] + [*sides][:turn]:
            if not sides[name].skipped:
                _take(sides[name], name, work / "side")
    return rows(sides)


def _first_weights(network: Network, weights: str, work: Path) -> dict[str, str]:
    """Write the first weights in a process; return why sides cannot be run, by `first_weights`."""
    module = ["-m", first_weights.__name__, network.architecture.name, weights, work]
    *_, last = _lines(module, work)
    return json.loads(last)


def _take(side: Side, name: str, folder: Path) -> None:
    """Run one side in a new folder, and note what it took and reached."""
    folder.mkdir()
    since = time.perf_counter()
    for layers, reached in side.run(folder):
        now = time.perf_counter()
        side.seconds[layers].append(now - since)
        side.accuracy[layers] = reached
        log.info("  %s, %s: %.1f s, %s", name, JOBS[layers], now - since, reached)
        since = now
    shutil.rmtree(folder)


def _ours(job: Job, folder: Path, start: Start) -> Timed:
    """This suite's scripts, each a process."""
    folders = Folders(folder / "data", folder / "logs", folder / "models")
    name, trained_on = job.network.architecture.name, TrainingData(NAME)
    prepare = [project.ROOT / "scripts" / "prepare_data.py", "folders", "--source", job.photos]
    with start(folder) as run:
        run([*prepare, "--name", NAME, "--data-dir", folders.data_dir])
        for layers, epochs in zip(JOBS, job.epochs, strict=True):
            of_run = Run(name, layers, trained_on, folders)
            flags = [*of_run.flags, *folders.flags]
            recipe = ["--weights", job.weights, "--epochs", epochs, "--patience", epochs,
                      "--batch-size", job.batch_size, "--learning-rate", RATES[layers]]  # fmt: skip
            if layers == "all":
                recipe += ["--head", "trained"]
                recipe += ["--freeze-batch-norm"] if job.network.architecture.batch_norm else []
            run([networks.training_script(name, layers), *flags, *recipe])
            run([networks.prediction_script(name, layers), *flags])
            tested = predictions.read(of_run.result(NAME), all_classes=True)
            yield layers, accuracy(tested.y_true, tested.y_pred)


@contextlib.contextmanager
def _starting(folder: Path) -> Iterator[Callable[[list], None]]:
    """Start every script as a program of its own."""

    def run(command: list) -> None:
        deque(_lines(command, folder), maxlen=0)

    yield run


@contextlib.contextmanager
def _forking(folder: Path) -> Iterator[Callable[[list], None]]:
    """Fork every script from one process, which is started first."""
    with (
        (folder / "errors").open("w+") as errors,
        subprocess.Popen(
            [sys.executable, "-m", forked_scripts.__name__], text=True, env=_settings(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        ) as process,
    ):  # fmt: skip
        statuses = iter(process.stdout or ())

        def run(command: list) -> None:
            words = [sys.executable, *map(str, command)]
            print(json.dumps(words), file=process.stdin, flush=True)
            _check(words, int(next(statuses, 1)), errors)

        yield run


def _ordinary(job: Job, script: str, weights: Path, folder: Path, *words: str) -> Timed:
    """An ordinary script, one process for both jobs; the second ends with the process."""
    command = [Path(__file__).with_name(script), job.photos, "--weights", weights, *words]
    command += ["--epochs", *job.epochs, "--rates", *RATES.values()]
    command += ["--batch-size", job.batch_size, "--out", folder]
    said = (json.loads(line) for line in _lines(command, folder) if line.startswith("{"))
    first = next(said)
    yield "fc", Accuracy(first["test_photos"], first["correct"])
    *_, last = said  # which ends with the process
    yield "all", Accuracy(last["test_photos"], last["correct"])


def _lines(command: list, folder: Path) -> Iterator[str]:
    """Run a script, or a module of this library; yield what it prints when it prints it.

    Args:
        folder: where its errors are kept.

    Raises:
        UserError: it failed.
    """
    words = [sys.executable, *map(str, command)]
    settings = _settings() if command[0] == "-m" else None
    with (
        (folder / "errors").open("w+") as errors,
        subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=errors, text=True, env=settings
        ) as process,
    ):
        yield from process.stdout or ()
        _check(words, process.wait(), errors)


def _settings() -> dict[str, str]:
    """Environment variables of a process that finds this library."""
    return os.environ | {"PYTHONPATH": str(project.ROOT / "src")}


def _check(words: list[str], status: int, errors: IO[str]) -> None:
    """Raise a UserError if a command failed, with the last line of its errors."""
    if status:
        errors.seek(0)
        last = errors.read().strip().splitlines()[-1:] or [f"status {status}"]
        raise UserError(f"{' '.join(words)}: {last[0].removeprefix('error: ')}")


def _as_class_folders(photos: Path, work: Path) -> tuple[Path, dict[str, int]]:
    """Prepare photos once, which also reads them all, and link those that can be decoded.

    Returns:
        The folder of links, and how many there are in each split.
    """
    kind = readers.kind_of(photos)
    preparation = Preparation(work / "once" / NAME, Origin(kind, photos.resolve(), seed=1))
    with quiet(), decoders(-1, None, preparation.photos) as pool:
        preparation.run(pool, overwrite=False)
    prepared, counts = Dataset(work / "once", NAME), {}
    for split, name in FOLDERS.items():
        stored = prepared.split(split)
        counts[split] = len(stored)
        for row, (path, label) in enumerate(zip(stored.paths, stored.labels, strict=True)):
            photo = preparation.source.root / str(path)
            link = work / "photos" / name / prepared.class_names[label]
            link.mkdir(parents=True, exist_ok=True)
            (link / f"{row:07}{photo.suffix.lower()}").symlink_to(photo)
    shutil.rmtree(work / "once")
    return work / "photos", counts


def rows(sides: dict[str, Side]) -> list[dict]:
    """A row for each job and side; `agrees`: whether ours lies in the accuracy's interval."""
    ours = sides[OURS]
    found = []
    for layers, job in JOBS.items():
        for way, side in sides.items():
            row: dict = {"job": job, "way": way, "skipped": side.skipped}
            if not side.skipped:
                pairs = zip(side.seconds[layers], ours.seconds[layers], strict=True)
                ratios = [theirs / own for theirs, own in pairs]
                reached = side.accuracy[layers]
                low, high = reached.interval
                same = reached.n == ours.accuracy[layers].n
                row |= {
                    "seconds": statistics.median(side.seconds[layers]),
                    "times_as_long": statistics.median(side.seconds[layers])
                    / statistics.median(ours.seconds[layers]),
                    "least": min(ratios),
                    "most": max(ratios),
                    "rounds": len(ratios),
                    "test_images": reached.n,
                    "accuracy": reached.value,
                    "low": low,
                    "high": high,
                    "agrees": same and low <= ours.accuracy[layers].value <= high,
                }
            found.append(row)
    return found


def table(found: list[dict]) -> list[str]:
    """The lines of a table of rows."""
    width = max(len(row["way"]) for row in found) + 8
    n = next(row["test_images"] for row in found if not row["skipped"])
    lines = [f"  {'':{width}}seconds   times as long, least to most   accuracy, 95 %, n = {n:,}"]
    for row in found:
        name = f"  {row['job'] + ', ' + row['way']:{width}}"
        if row["skipped"]:
            lines.append(f"{name}skipped: {row['skipped']}")
            continue
        spread = f"{row['times_as_long']:6.2f}   {row['least']:.2f} to {row['most']:.2f}"
        reached = f"{row['accuracy']:.4f}, {row['low']:.4f} to {row['high']:.4f}"
        agrees = "" if row["agrees"] else "; does not agree with ours"
        lines.append(f"{name}{row['seconds']:7.1f}   {spread:26}   {reached}{agrees}")
    return lines


def save(found: list[dict], file: Path) -> None:
    """Write the rows as CSV."""
    columns = max((list(row) for row in found), key=len)
    with files.whole_file(file) as temporary, temporary.open("w", newline="") as lines:
        written = csv.DictWriter(lines, columns)
        written.writeheader()
        written.writerows(found)
