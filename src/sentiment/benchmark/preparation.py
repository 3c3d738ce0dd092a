"""Preparation against decoding alone: the whole command's work, and Pillow's plain way."""

import importlib.util
import logging
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image

from sentiment.benchmark.timing import Comparison, compare
from sentiment.data import prepare_data
from sentiment.data.decode import SIDE, decode_file

PLAIN = "Pillow's plain decoding, one process"

TIMES = 4
"""Each photo is prepared, so that what a run costs once weighs as little as in a long one."""


def compare_preparation(photos: list[Path], work: Path, rounds: int) -> tuple[Comparison, float]:
    """Time preparation of JPEG files.

    Returns:
        The comparison, and by how many grey levels our pixels differ from the plain way's, on
        average.
    """
    differences = [
        np.abs(decode_file(photo).astype(int) - _plain(photo)).mean() for photo in photos
    ]
    photos = photos * TIMES
    source = _as_class_folders(photos, work / "source")
    cores = os.cpu_count()
    ways = {
        PLAIN: lambda: _each(photos, _plain),
        "prepared by 1 worker": lambda: _prepare(source, work, 1),
        f"prepared by {cores} workers": lambda: _prepare(source, work, cores),
    }
    if importlib.util.find_spec("simplejpeg"):
        ways["simplejpeg's decoding, one process"] = lambda: _each(photos, _simplejpeg)
    title = f"preparation, {len(photos)} JPEG files"
    return compare(title, PLAIN, ways, rounds), float(np.mean(differences))


def _plain(photo: Path) -> np.ndarray:
    with Image.open(photo) as image:
        small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return np.asarray(small)


def _simplejpeg(photo: Path) -> np.ndarray:
    import simplejpeg

    pixels = simplejpeg.decode_jpeg(
        photo.read_bytes(), fastdct=True, fastupsample=True, min_height=SIDE, min_width=SIDE
    )
    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def _each(photos: list[Path], decode) -> float:
    started = time.perf_counter()
    for photo in photos:
        decode(photo)
    return (time.perf_counter() - started) / len(photos)


def _prepare(source: Path, work: Path, workers: int) -> float:
    options = prepare_data.Options("dogs", source, "benchmark", workers=workers, data_dir=work,
                              overwrite=True)  # fmt: skip
    level = logging.getLogger("sentiment.data.prepare_data").level
    logging.getLogger("sentiment.data.prepare_data").setLevel(logging.WARNING)
    started = time.perf_counter()
    prepare_data.prepare(options)
    seconds = time.perf_counter() - started
    logging.getLogger("sentiment.data.prepare_data").setLevel(level)
    return seconds / len(list(source.glob("*/*/*")))


def _as_class_folders(photos: list[Path], folder: Path) -> Path:
    """Links to the photos in the layout of the dog breeds: nearly all of them to train on."""
    for split, some in {"train": photos[2:], "valid": photos[:1], "test": photos[1:2]}.items():
        (folder / split / "photo").mkdir(parents=True)
        for number, photo in enumerate(some):
            (folder / split / "photo" / f"{number:05}.jpg").symlink_to(photo.resolve())
    return folder
