"""The demonstration: runs real commands, one after the other, on a small sample."""

import json
import logging
import os
import shlex
import tarfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rich.progress

from sentiment.base import cli, files, project, signals
from sentiment.base.errors import UserError, first_line
from sentiment.base.progress import hours_minutes_seconds
from sentiment.base.project import Folders
from sentiment.data import drawn_faces
from sentiment.data.dataset import Dataset
from sentiment.experiments import steps
from sentiment.model import networks
from sentiment.runs.run_files import Ending, Run, TrainingData

log = logging.getLogger(__name__)

NAME = "demo"
"""Name of the prepared data, and so of the folders under logs/ and saved_models/."""

IMAGEWOOF = "https://s3.amazonaws.com/fast-ai-imageclas/imagewoof2-160.tgz"
"""10 dog breeds of ImageNet, 160 pixels high, with the folders train and val (fast.ai)."""

TRAIN_IMAGES = 300
"""Larger collections are trained on the percent that gives this many."""

RECIPES = {
    "fc": ("--learning-rate", "0.03", "--batch-size", "16"),
    "all": ("--learning-rate", "0.01", "--batch-size", "16", "--epochs", "3"),
}
"""Flags by layers. The recipe is made for hundreds of thousands of images: of a few hundred its
batches make too few updates, and its learning rate too small ones."""

SECONDS = 20
"""How long the demonstration waits for an answer of the network."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/demo.py`."""

    photos: Path | None = None
    """Folder of photos: a folder a class, or train, valid and test with such folders in each.
    Without it Imagewoof-160 is downloaded, or faces are drawn where it cannot be."""
    network: str = networks.INSTALLED
    """Folder of the network; the weights of the default one need no download."""
    weights: str = "imagenet"
    """The network's first weights: imagenet, none (random), or a file."""
    serve: bool = False
    """At the end export the better model and serve it: a page to try it on."""


@cli.command()
def main() -> None:
    """Run `scripts/demo.py`."""
    demonstrate(cli.parse(Options))


def demonstrate(options: Options) -> None:
    """Prepare photos, train and test a network both ways, and show what came of it.

    Raises:
        UserError: a flag is wrong, or a command failed.
    """
    started = time.monotonic()
    network = networks.named(options.network)
    folder, photos_are = photos(options.photos)
    _run("scripts/prepare_data.py", "folders", "--source", folder, "--name", NAME, "--overwrite")
    count = sum(Dataset(project.DATA_DIR, NAME).counts("train").values())
    data = TrainingData(NAME, min(100.0, round(100 * TRAIN_IMAGES / count, 1)))
    runs = [Run(options.network, layers, data, Folders()) for layers in network.recipes]
    for run in runs:
        weights = _as_word(options.weights)
        training = networks.training_script(run.architecture, run.layers)
        _run(training, *run.flags, "--weights", weights, *RECIPES[run.layers], "--overwrite")
        _run(networks.prediction_script(run.architecture, run.layers), *run.flags)
    _show(runs, f"{network.architecture.title} on {photos_are}")
    log.info("Written in %s:", hours_minutes_seconds(time.monotonic() - started))
    for place in (project.DATA_DIR, project.LOGS_DIR, project.MODELS_DIR):
        log.info("  %s", place / NAME)
    _go_on(max(runs, key=_validation_accuracy), options.serve)


def photos(given: Path | None) -> tuple[Path, str]:
    """Folder of the photos, and what they are.

    They are those given; or else Imagewoof, downloaded; without a network, drawn faces.
    """
    if given:
        return given.resolve(), f"the photos in {given.name}/"
    folder = project.DATA_DIR / "imagewoof2-160"
    try:
        if not folder.exists():
            _download(folder)
        return next(folder.glob("**/train")).parent, "Imagewoof-160"
    except (OSError, tarfile.TarError, ValueError) as error:
        log.info("  no download (%s); drawing faces instead", first_line(error))
    folder = project.DATA_DIR / "drawn_faces"
    if not folder.exists():
        drawn_faces.draw(folder)
    return folder, "faces DRAWN by this project, not photos"


def _download(folder: Path) -> None:
    """Download Imagewoof and unpack it into a folder, whole or not at all."""
    log.info("Downloading Imagewoof-160, 90 MB, from %s", IMAGEWOOF)
    with (
        files.whole_folder(folder) as temporary,
        urllib.request.urlopen(IMAGEWOOF, timeout=SECONDS) as answer,
        rich.progress.wrap_file(answer, int(answer.headers["Content-Length"] or 0)) as content,
        tarfile.open(fileobj=content, mode="r|gz") as archive,
    ):
        # Python 3.11 has it from its fourth release on.
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        archive.extractall(temporary)
        if not list(temporary.glob("**/train")):
            raise ValueError("what came is not the archive")


def _as_word(weights: str) -> str:
    """The value of --weights for a script that runs in another folder."""
    return weights if weights in ("imagenet", "none") else str(Path(weights).resolve())


def _validation_accuracy(run: Run) -> float:
    return json.loads(run.manifest.read_bytes())["best_val_accuracy"]


def _go_on(run: Run, serve: bool) -> None:
    """Export a model and serve it, or say which commands do."""
    exported = run.exported(Ending.LITERT)
    commands = (
        ("scripts/export_model.py", run.model),
        ("scripts/serve.py", "--model", exported),
    )
    if serve:
        for command in commands:
            _run(*command)
        return
    log.info("Next, a page to try it on:")
    for command in commands:
        log.info("  python %s", _shown(*command))


def _shown(script: str | Path, *words: object) -> str:
    """The words of a command as a person types them in the checkout's folder."""
    places = (
        os.path.relpath(word, project.ROOT)
        if isinstance(word, Path) and word.is_relative_to(project.ROOT)
        else str(word)
        for word in (script, *words)
    )
    return shlex.join(places)


def _run(script: str | Path, *words: object) -> None:
    """Show a command and run it; its failure, which it has explained, ends the demonstration."""
    log.info("\n$ python %s", _shown(script, *words))
    command = steps.argv(project.ROOT / script, *map(str, words))
    if signals.run_script(command, cwd=project.ROOT):
        raise UserError(f"{_shown(script)} failed; see its message above")


def _show(runs: list[Run], title: str) -> None:
    """Print a line a run, and draw what they reached epoch by epoch."""
    log.info("\n%s", title)
    for line in _table(runs):
        log.info(line)
    from sentiment.report import learning_curves  # matplotlib, which --help does without

    picture = project.LOGS_DIR / NAME / "learning_curves.png"
    learning_curves.draw({run.way: run for run in runs}, title, picture)
    log.info("  %s", picture)


def _table(runs: list[Run]) -> list[str]:
    """A line a run, and one on the commonest class, from the files that the runs left."""
    from sentiment.runs.accuracy import Reached  # SciPy, which --help does without

    lines = [f"  {'':5}{'test accuracy, 95 % interval':34}{'training':>9}{'model':>10}"]
    beside = {}
    for run in runs:
        with np.load(run.result(NAME), allow_pickle=False) as result:
            names = result["class_names"].tolist()
            reached = Reached.of(result["y_true"], result["y_pred"], names)
        beside[run.way] = reached.beside
        low, high = reached.accuracy.interval
        manifest = json.loads(run.manifest.read_bytes())
        seconds = manifest["training_seconds"] + manifest["extraction_seconds"]
        value, n = reached.accuracy.value, reached.accuracy.n
        figures = f"{value:.3f}, {low:.3f} to {high:.3f}, n = {n:,}"
        lines.append(
            f"  {run.way:5}{figures:34}"
            f"{hours_minutes_seconds(seconds):>9}{run.model.stat().st_size / 1e6:>7.1f} MB"
        )
    if len(set(beside.values())) == 1:
        beside = {"": beside.popitem()[1]}
    return lines + [f"  {way:5}{words}" for way, words in beside.items()]
