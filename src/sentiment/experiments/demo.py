"""The demonstration: runs real commands, one after the other, on a small sample."""

import json
import logging
import os
import shlex
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment.base import cli, files, project, signals
from sentiment.base.errors import UserError, first_line
from sentiment.base.progress import hours_minutes_seconds
from sentiment.base.project import Folders
from sentiment.data import drawn_photos
from sentiment.data.dataset import Dataset
from sentiment.experiments import steps
from sentiment.model import networks
from sentiment.runs.run_files import Run, TrainingData

log = logging.getLogger(__name__)

NAME = "demo"
"""Name of the prepared data, and so of the folders under logs/ and saved_models/."""

NETWORK = networks.DEFAULT

IMAGEWOOF = "https://s3.amazonaws.com/fast-ai-imageclas/imagewoof2-160.tgz"
"""10 dog breeds of ImageNet, 160 pixels high, with the folders train and val (fast.ai)."""

TRAIN_IMAGES = 200
"""Larger collections are trained on the percent that gives this many."""

EPOCHS = {"fc": 15, "all": 3}
"""Epochs by layers: the recipe's for FT-F, fewer for FT-A so that it does not take long."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/demo.py`."""

    photos: Path | None = None
    """Folder of dog breeds: train, valid (or val), test with a folder a breed in each."""
    weights: Path | None = None
    """File with MobileNetV2's ImageNet weights, without its top."""


@cli.command()
def main() -> None:
    """Run `scripts/demo.py`."""
    demonstrate(cli.parse(Options))


def demonstrate(options: Options) -> None:
    """Prepare photos, train and test a network both ways, and show what came of it.

    Raises:
        UserError: a command failed.
    """
    started = time.monotonic()
    socket.setdefaulttimeout(20)  # a network that swallows what is sent counts as none
    folder, photos_are = photos(options.photos)
    weights, weights_are = _weights(options.weights)
    _run("scripts/prepare_data.py", "dogs", "--source", folder, "--name", NAME, "--overwrite")
    count = sum(Dataset(project.DATA_DIR, NAME).counts("train").values())
    data = TrainingData(NAME, min(100.0, round(100 * TRAIN_IMAGES / count, 1)))
    runs = []
    for layers, epochs in EPOCHS.items():
        words = ["--dataset", NAME, "--percent", f"{data.percent:g}"]
        recipe = ["--weights", weights, "--epochs", epochs, "--overwrite"]
        _run(networks.training_script(NETWORK, layers), *words, *recipe)
        _run(networks.prediction_script(NETWORK, layers), *words)
        runs.append(Run(NETWORK, layers, data, Folders()))
    _show(runs, f"MobileNetV2 on {photos_are}, from {weights_are}")
    log.info("Written in %s:", hours_minutes_seconds(time.monotonic() - started))
    for folder in (project.DATA_DIR, project.LOGS_DIR, project.MODELS_DIR):
        log.info("  %s", folder / NAME)


def photos(given: Path | None) -> tuple[Path, str]:
    """Folder of the photos, and what they are.

    They are those given; or else Imagewoof, downloaded; without a network, drawn pictures.
    """
    if given:
        return given.resolve(), f"the photos in {given.name}/"
    folder = project.DATA_DIR / "imagewoof2-160"
    try:
        if not folder.exists():
            _download(folder)
        return next(folder.glob("**/train")).parent, "Imagewoof-160"
    except Exception as error:  # Keras raises a bare one when a download fails
        log.info("  no download (%s); drawing a sample instead", error)
    folder = project.DATA_DIR / "drawn_photos"
    if not folder.exists():
        drawn_photos.draw(folder)
    return folder, "pictures DRAWN by this project, not photos"


def _download(folder: Path) -> None:
    """Download Imagewoof and unpack it into a folder, whole or not at all."""
    import keras  # which --help does without

    log.info("Downloading Imagewoof-160, 90 MB, from %s", IMAGEWOOF)
    with files.whole_folder(folder) as temporary:
        keras.utils.get_file("imagewoof2-160.tgz", IMAGEWOOF, cache_dir=temporary, extract=True)
        if not list(temporary.glob("**/train")):
            raise ValueError("what came is not the archive")


def _weights(given: Path | None) -> tuple[str, str]:
    """Value for --weights, and what it means."""
    if given:
        return str(given.resolve()), f"the weights in {given.name}"
    import keras  # which --help does without

    try:
        log.info("Downloading MobileNetV2's ImageNet weights, 9 MB")
        keras.applications.MobileNetV2(include_top=False, input_shape=(224, 224, 3))
    except Exception as error:  # Keras raises a bare one when a download fails
        log.info("  no download (%s)", first_line(error))
        return "none", "RANDOM weights, so expect little"
    return "imagenet", "ImageNet's weights"


def _run(script: str | Path, *words: object) -> None:
    """Show a command and run it; its failure, which it has explained, ends the demonstration."""
    command = steps.argv(project.ROOT / script, *map(str, words))
    shown = [os.path.relpath(project.ROOT / script, project.ROOT), *command[2:]]
    log.info("\n$ python %s", shlex.join(shown))
    if signals.run_script(command, cwd=project.ROOT).returncode:
        raise UserError(f"{shown[0]} failed; see its message above")


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
    """One line a run, from the files it left."""
    from sentiment.runs.accuracy import accuracy  # SciPy, which --help does without

    lines = [f"  {'':5}{'test accuracy, 95 % interval':34}{'training':>9}{'model':>10}"]
    for run in runs:
        with np.load(run.result(NAME), allow_pickle=False) as result:
            reached = accuracy(result["y_true"], result["y_pred"])
        low, high = reached.interval
        manifest = json.loads(run.manifest.read_bytes())
        seconds = manifest["training_seconds"] + manifest["extraction_seconds"]
        figures = f"{reached.value:.3f}, {low:.3f} to {high:.3f}, n = {reached.n:,}"
        lines.append(
            f"  {run.way:5}{figures:34}"
            f"{hours_minutes_seconds(seconds):>9}{run.model.stat().st_size / 1e6:>7.1f} MB"
        )
    return lines
