"""JPEG files of B-T4SA's sizes, drawn by this project, to measure preparation on."""

from pathlib import Path

import numpy as np
from PIL import Image

from sentiment.base import files

WIDTH, HEIGHT = (945, 505), (916, 556)
"""Mean and standard deviation, in pixels, over B-T4SA's 470,586 photos (replication report)."""

OCTAVES = range(9)
CONTRAST = (10, 110)
"""Least and most grey levels of an octave: so files have 147 ± 148 KB, B-T4SA's 142 ± 156."""


def draw(folder: Path, count: int, seed: int = 1) -> None:
    """Draw `count` pictures, whole or not at all."""
    random = np.random.default_rng(seed)
    with files.whole_folder(folder) as temporary:
        for number in range(count):
            size = _side(random, *WIDTH), _side(random, *HEIGHT)
            _picture(random, size).save(temporary / f"{number:05}.jpg", quality=85)


def _side(random: np.random.Generator, mean: float, deviation: float) -> int:
    """Draw a side's length from a log-normal distribution, as the published one is skewed."""
    variance = np.log(1 + (deviation / mean) ** 2)
    side = random.lognormal(np.log(mean) - variance / 2, np.sqrt(variance))
    return int(np.clip(side, 120, 4000))


def _picture(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Draw noise of all scales, the coarse ones strongest, as in photos."""
    total = np.full((size[1], size[0], 3), 128, np.float32)
    contrast = random.uniform(*CONTRAST)
    for octave in OCTAVES:
        cells = 4 * 2**octave
        noise = Image.fromarray(random.integers(0, 256, (cells, cells, 3), np.uint8))
        grown = np.asarray(noise.resize(size, Image.Resampling.BICUBIC), np.float32)
        total += (grown - 128) / 128 * contrast / (octave + 1)
    return Image.fromarray(total.clip(0, 255).astype(np.uint8))
