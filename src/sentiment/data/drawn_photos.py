"""Pictures that the project draws itself, to be tried without any photo."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sentiment.base import files

CLASSES = ("drawn_circle", "drawn_square", "drawn_triangle")
COUNTS = {"train": 60, "valid": 15, "test": 15}
"""Pictures of each class."""


def draw(folder: Path, seed: int = 1) -> None:
    """Draw a collection of class folders, whole or not at all; a seed gives the same pictures."""
    random = np.random.default_rng(seed)
    with files.whole_folder(folder) as temporary:
        for split, count in COUNTS.items():
            for name in CLASSES:
                (temporary / split / name).mkdir(parents=True)
                for number in range(count):
                    _picture(name, random).save(temporary / split / name / f"{number:03}.jpg")


def _picture(name: str, random: np.random.Generator) -> Image.Image:
    """One shape of random size, place and colour on a noisy ground."""
    width, height = (int(side) for side in random.integers(240, 480, 2))
    ground = random.integers(0, 256, 3) + random.normal(0, 25, (height, width, 3))
    image = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    radius = int(random.integers(height // 6, min(width, height) // 2 - 10))
    x, y = (int(random.integers(radius, side - radius)) for side in (width, height))
    colour = tuple(int(level) for level in random.integers(0, 256, 3))
    draw = ImageDraw.Draw(image)
    if name == "drawn_circle":
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour)
    else:
        sides = 4 if name == "drawn_square" else 3
        draw.regular_polygon((x, y, radius), sides, int(random.integers(0, 90)), colour)
    return image
