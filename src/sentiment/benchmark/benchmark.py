"""Measure each stage beside what bounds it: a table, a CSV file and a picture."""

import csv
import logging
import os
import platform
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sentiment.base import cli, files, project
from sentiment.base.errors import UserError
from sentiment.base.monitor import gpu_names
from sentiment.benchmark import drawn_jpegs
from sentiment.benchmark.timing import Comparison
from sentiment.data.dataset import Dataset
from sentiment.model import networks
from sentiment.model.networks import Network

log = logging.getLogger(__name__)

Part = Literal["preparation", "reading", "ft-f", "ft-a", "deterministic", "whole-job"]

WHOLE_JOB: Part = "whole-job"

LEAST = {"count": 3, "images": 64, "batch_size": 1, "steps": 1, "rounds": 1}
"""Least value of each number that a flag gives."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/benchmark.py`."""

    parts: tuple[Part, ...] = ("preparation", "reading", "ft-f", "ft-a", "deterministic")
    """Stages to measure; whole-job, which takes long, is everything from the JPEGs to a tested
    model, beside ordinary scripts of Keras and PyTorch."""
    dataset: str = "t4sa"
    """Prepared data, for all stages but preparation and whole-job."""
    percent: float = 100.0
    """Percent of the training and validation data, for FT-F."""
    photos: Path | None = None
    """Folder of JPEG files, at any depth, to prepare; without it some of B-T4SA's sizes are
    drawn. For whole-job: a collection as prepare_data.py takes it, such as class folders."""
    count: int = 240
    """Photos to prepare, at most."""
    images: int = 4096
    """Images to read in an epoch: the given data's, over and over."""
    network: str = networks.DEFAULT
    """Folder of the network that is trained."""
    weights: str = "imagenet"
    """The network's first weights for FT-F and whole-job: imagenet, none, or a file, which for
    whole-job is in Keras' format."""
    epochs: tuple[int, int] = (15, 3)
    """Epochs of FT-F and of FT-A, for whole-job."""
    batch_size: int = 16
    """Images in a batch of FT-A, and of whole-job."""
    steps: int = 8
    """Steps of FT-A in a run."""
    rounds: int = 3
    """How often each way is measured."""
    data_dir: Path = project.DATA_DIR
    """Folder of prepared data."""
    logs_dir: Path = project.LOGS_DIR
    """Folder for the CSV file and the picture, which go into the folder benchmark in it."""


@cli.command()
def main() -> None:
    """Run `scripts/benchmark.py`."""
    benchmark(cli.parse(Options))


def benchmark(options: Options) -> None:
    """Measure, print and save.

    Raises:
        UserError: the data or the photos are missing, or the network is unknown.
    """
    for name, least in LEAST.items():
        value, flag = getattr(options, name), "--" + name.replace("_", "-")
        if value < least:
            raise UserError(f"{flag} {value}: expected {least} or more")
    if min(options.epochs) < 1:
        raise UserError(f"--epochs {min(options.epochs)}: expected 1 or more")
    network = networks.named(options.network)
    folder = options.logs_dir / "benchmark"
    log.info("Measuring %s, %d rounds each", ", ".join(options.parts), options.rounds)
    if WHOLE_JOB in options.parts:
        _measure_whole_job(options, network, folder)
    if parts := set(options.parts) - {WHOLE_JOB}:
        _measure_stages(options, network, folder, needs_data=parts != {"preparation"})


def _measure_whole_job(options: Options, network: Network, folder: Path) -> None:
    """Measure the whole job, print and save.

    Raises:
        UserError: the photos are missing, or a side failed.
    """
    from sentiment.benchmark import whole_job  # imports SciPy, which --help does without

    if not options.photos or not options.photos.is_dir():
        raise UserError(f"--photos {options.photos}: {WHOLE_JOB} needs a folder of photos")
    if options.weights.endswith(".pth"):
        raise UserError(f"--weights {options.weights}: {WHOLE_JOB} takes a file in Keras' format")
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=_existing(folder)) as work:
        rows = whole_job.measure(
            network, options.weights, options.photos, Path(work).resolve(), options.epochs,
            options.batch_size, options.rounds,
        )  # fmt: skip
    for line in whole_job.table(rows):
        log.info(line)
    whole_job.save(rows, folder / "whole_job.csv")
    log.info("Saved %s", folder / "whole_job.csv")


def _measure_stages(options: Options, network: Network, folder: Path, needs_data: bool) -> None:
    """Measure the other parts, print and save.

    Args:
        needs_data: whether one of them takes prepared data.

    Raises:
        UserError: the data or the photos are missing.
    """
    log.info("  writes %s", folder / "benchmark{.csv,.png,.svg}")
    dataset = Dataset(options.data_dir, options.dataset) if needs_data else None
    rows: list[dict] = []
    notes = [platform.processor() or platform.machine(), *gpu_names()]
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=_existing(folder)) as work:
        for comparison in _measured(options, network, dataset, Path(work), notes):
            new = _rows(comparison)
            for line in _table(new):
                log.info(line)
            rows += new
            _save(rows, notes, folder)  # what comes after may fail
    for note in notes:
        log.info("  %s", note)
    log.info("Saved %s", folder / "benchmark.csv")


def _measured(
    options: Options, network: Network, dataset: Dataset | None, work: Path, notes: list[str]
) -> Iterator[Comparison]:
    """Measure one part after the other, and add to the notes."""
    if "preparation" in options.parts:
        from sentiment.benchmark.preparation import compare_preparation

        comparison, difference = compare_preparation(_photos(options, work), work, options.rounds)
        notes.append(f"prepared pixels differ from Pillow's plain ones by {difference:.2f} "
                     "grey levels on average")  # fmt: skip
        yield comparison
    if dataset:
        notes.append(_start(work))
        yield from _measured_on(dataset, options, network, work)


def _measured_on(
    dataset: Dataset, options: Options, network: Network, work: Path
) -> Iterator[Comparison]:
    """Measure the parts that take prepared data; Keras has been started."""
    if "reading" in options.parts:
        from sentiment.benchmark.reading import compare_reading

        images = dataset.split("train").images[:512]
        yield compare_reading(images, options.images, work, options.rounds)
    if "ft-f" in options.parts:
        from sentiment.benchmark.cached_features import compare_ft_f

        yield compare_ft_f(network, options.weights, dataset, options.percent, work, options.rounds)
    steps = network, dataset, options.batch_size, options.steps, options.rounds
    if "ft-a" in options.parts:
        from sentiment.benchmark.step import compare_steps

        yield compare_steps(*steps)
    if "deterministic" in options.parts:
        from sentiment.benchmark.determinism import compare_determinism

        yield compare_determinism(*steps)


def _existing(folder: Path) -> Path:
    """Return a folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _photos(options: Options, work: Path) -> list[Path]:
    """The JPEG files to prepare: those given, or new ones drawn in the folder `work`."""
    if options.photos:
        jpegs = sorted(
            f for f in options.photos.rglob("*") if f.suffix.lower() in (".jpg", ".jpeg")
        )
        if len(jpegs) < LEAST["count"]:
            raise UserError(f"--photos {options.photos}: {len(jpegs)} JPEG files; expected some")
        log.info("  photos: the first %d JPEG files of %s", options.count, options.photos)
        return jpegs[: options.count]
    log.info("  photos: %d drawn, of B-T4SA's sizes", options.count)
    drawn_jpegs.draw(work / "photos", options.count)
    return sorted((work / "photos").iterdir())


def _start(work: Path) -> str:
    """Start Keras; return the names of its backend and devices, in words."""
    from sentiment.engine import backend

    # JAX then compiles in the round that does not count: this does not grow with the images.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(work / "compiled"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    started = backend.start(seed=1)
    return f"{started['backend']} on {', '.join(started['devices'])}"


def _rows(comparison: Comparison) -> list[dict]:
    """A row for each way: its rate, and how many times as fast as the base it is."""
    return [
        {
            "comparison": comparison.title,
            "way": way,
            "images_per_second": 1 / statistics.median(seconds),
            **dict(zip(("ratio", "least", "most"), comparison.ratio(way), strict=True)),
            "rounds": len(seconds),
            "gpu_percent": _median(comparison.gpu_percent.get(way)),
        }
        for way, seconds in comparison.seconds.items()
    ]


def _median(values: list[float] | None) -> float | None:
    return round(statistics.median(values), 1) if values else None


def _table(rows: list[dict]) -> list[str]:
    """The lines of a table of one comparison's rows."""
    width = max(len(row["way"]) for row in rows) + 2
    lines = [rows[0]["comparison"], f"  {'':{width}}images/s   times as fast, least to most"]
    for row in rows:
        spread = f"{row['least']:.2f} to {row['most']:.2f}"
        rate, ratio = f"{row['images_per_second']:8,.0f}", f"{row['ratio']:6.2f}"
        load = row["gpu_percent"]
        gpu = "" if load is None else f"   GPU {load:.0f} %"
        lines.append(f"  {row['way']:{width}}{rate}   {ratio}   {spread}{gpu}")
    return lines


def _save(rows: list[dict], notes: list[str], folder: Path) -> None:
    from matplotlib.figure import Figure

    with files.whole_file(folder / "benchmark.csv") as temporary, temporary.open("w") as lines:
        table = csv.DictWriter(lines, rows[0])
        table.writeheader()
        table.writerows(rows)
    titles = list(dict.fromkeys(row["comparison"] for row in rows))
    figure = Figure(figsize=(9, 0.9 + 0.42 * len(rows) + 0.6 * len(titles)), layout="constrained")
    figure.suptitle("Times as fast as the first of each group; line: least to most of a round")
    heights = [sum(row["comparison"] == title for row in rows) for title in titles]
    panels = figure.subplots(len(titles), 1, squeeze=False, height_ratios=heights)[:, 0]
    for panel, title in zip(panels, titles, strict=True):
        group = [row for row in rows if row["comparison"] == title][::-1]
        panel.barh([row["way"] for row in group], [row["ratio"] for row in group], color="C0")
        for place, row in enumerate(group):
            panel.plot([row["least"], row["most"]], [place, place], color="0.2")
            panel.annotate(f" {row['ratio']:.2f}", (row["most"], place), va="center")
        panel.set_title(title, loc="left", fontsize="medium")
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0.1)
    figure.supxlabel("; ".join(notes), fontsize="small")
    for ending in (".png", ".svg"):
        with files.whole_file(folder / f"benchmark{ending}") as temporary:
            figure.savefig(temporary, dpi=120)
