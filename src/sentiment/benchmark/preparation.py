"""Preparation compared with decoding alone: storing included, and Pillow's plain way."""

import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sentiment.benchmark.timing import Comparison, compare
from sentiment.data.collections.origin import Origin
from sentiment.data.decode import decode_file
from sentiment.data.decoding import decoders
from sentiment.data.image_size import SIDE
from sentiment.data.preparation import Preparation

PLAIN = "Pillow's plain decoding, one process"

TIMES = 4
"""How often a run prepares each photo: its fixed cost then weighs as little as in a long run."""


def compare_preparation(photos: list[Path], work: Path, rounds: int) -> tuple[Comparison, float]:
    """Time preparation of JPEG files.

    Returns:
        The comparison, and the mean difference, in grey levels, of the prepared pixels from
        those of Pillow's plain decoding.
    """
    differences = [
        np.abs(decode_file(photo).astype(int) - _plain(photo)).mean() for photo in photos
    ]
    photos = photos * TIMES
    source = _as_class_folders(photos, work / "source")
    cores = os.cpu_count() or 1
    ways = {
        PLAIN: lambda: _decode_all(photos, _plain),
        "prepared by 1 worker": lambda: _prepare(source, work, 1),
        f"prepared by {cores} workers": lambda: _prepare(source, work, cores),
    }
    if importlib.util.find_spec("simplejpeg"):
        ways["simplejpeg's decoding, one process"] = lambda: _decode_all(photos, _simplejpeg)
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


def _decode_all(photos: list[Path], decode: Callable[[Path], np.ndarray]) -> float:
    """Seconds for each photo when they are decoded one after the other."""
    started = time.perf_counter()
    for photo in photos:
        decode(photo)
    return (time.perf_counter() - started) / len(photos)


def _prepare(source: Path, work: Path, workers: int) -> float:
    """Seconds for each photo when they are prepared."""
    started = time.perf_counter()
    preparation = Preparation(work / "benchmark", Origin("folders", source, seed=1))
    with decoders(workers, None, preparation.photos) as pool:
        preparation.run(pool, overwrite=True)
    seconds = time.perf_counter() - started
    return seconds / preparation.photos


def _as_class_folders(photos: list[Path], folder: Path) -> Path:
    """Link the photos in class folders, two in turn: nearly all of them to train on."""
    splits = {"train": photos[2:], "valid": photos[:1], "test": photos[1:2]}
    for split, of_split in splits.items():
        for number, photo in enumerate(of_split):
            link = folder / split / ("even", "odd")[number % 2] / f"{number:05}.jpg"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(photo.resolve())
    return folder
