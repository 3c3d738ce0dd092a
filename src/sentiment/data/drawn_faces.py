"""Faces that the project draws itself: what is left to learn sentiment from without any photo.

Mouth and brows show the sentiment; everything else of a picture varies without it.
"""

import colorsys
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sentiment.base import files

CLASSES = ("negative", "neutral", "positive")
COUNTS = {"train": 100, "valid": 25, "test": 40}
"""Pictures of each class, by the folder of their split."""

FINER = 2
"""Times as large as it is kept a picture is drawn, so that its lines are smooth."""


def draw(folder: Path, counts: Mapping[str, int] = COUNTS, seed: int = 1) -> None:
    """Draw a collection of class folders, whole or not at all; the same one for the same seed.

    Args:
        counts: pictures of each class, by the folder of their split.
    """
    random = np.random.default_rng(seed)
    with files.whole_folder(folder) as temporary:
        for split, count in counts.items():
            for name in CLASSES:
                (temporary / split / name).mkdir(parents=True)
                for number in range(count):
                    face = picture(name, random)
                    face.save(temporary / split / name / f"{number:03}.jpg", quality=90)


def picture(sentiment: str, random: np.random.Generator) -> Image.Image:
    """One face of a random size, place, tilt and colour, on a random background."""
    width, height = (FINER * int(side) for side in random.integers(240, 400, 2))
    image = _background(width, height, random)
    radius = min(width, height) * random.uniform(0.3, 0.46)
    x, y = (random.uniform(radius, side - radius) for side in (width, height))
    face = _Face(ImageDraw.Draw(image), x, y, radius, math.radians(random.normal(0, 8)))
    _draw_head(face, random)
    _draw_eyes(face, random)
    _EXPRESSIONS[sentiment](face, random)
    return image.resize((width // FINER, height // FINER), Image.Resampling.LANCZOS)


class _Face:
    """Draws in a face's own measure: its radius is 1, its middle (0, 0), y goes down."""

    def __init__(self, on: ImageDraw.ImageDraw, x: float, y: float, radius: float, tilt: float):
        self._draw, self._middle, self._radius = on, (x, y), radius
        self._cos, self._sin = math.cos(tilt), math.sin(tilt)
        self.ink = (40, 30, 30)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        left, top = self._middle
        return (
            left + self._radius * (x * self._cos - y * self._sin),
            top + self._radius * (x * self._sin + y * self._cos),
        )

    def oval(self, x: float, y: float, width: float, height: float, colour: tuple) -> None:
        angles = np.linspace(0, 2 * math.pi, 60)
        outline = [self._at(x + width * math.cos(a), y + height * math.sin(a)) for a in angles]
        self._draw.polygon(outline, colour)

    def area(self, points: list[tuple[float, float]], colour: tuple) -> None:
        self._draw.polygon([self._at(*point) for point in points], colour)

    def line(self, points: list[tuple[float, float]], width: float) -> None:
        thickness = max(2, round(width * self._radius))
        places = [self._at(*point) for point in points]
        self._draw.line(places, self.ink, thickness, "curve")
        for x, y in (places[0], places[-1]):  # round ends
            half = thickness / 2
            self._draw.ellipse((x - half, y - half, x + half, y + half), self.ink)


def _colour(random: np.random.Generator, light: tuple[float, float]) -> tuple[int, int, int]:
    """Any hue of a lightness between two numbers from 0 to 1."""
    hue, lightness, saturation = random.random(), random.uniform(*light), random.uniform(0.2, 0.9)
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return round(255 * red), round(255 * green), round(255 * blue)


def _background(width: int, height: int, random: np.random.Generator) -> Image.Image:
    """Two colours that flow into each other, and some blots."""
    first, last = (np.array(_colour(random, (0.15, 0.9))) for _ in range(2))
    share = np.linspace(0, 1, height)[:, None, None]
    if random.random() < 0.5:
        share = np.linspace(0, 1, width)[None, :, None]
    levels = np.broadcast_to(first * (1 - share) + last * share, (height, width, 3))
    levels = levels + random.normal(0, 8, (height, width, 1))
    image = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    blots = ImageDraw.Draw(image)
    for _ in range(random.integers(0, 8)):
        x, y = random.uniform(0, width), random.uniform(0, height)
        across, down = random.uniform(0.02, 0.15, 2) * width
        shape = blots.ellipse if random.random() < 0.5 else blots.rectangle
        shape((x - across, y - down, x + across, y + down), _colour(random, (0.2, 0.9)))
    return image


def _draw_head(face: _Face, random: np.random.Generator) -> None:
    hair, skin = _colour(random, (0.1, 0.6)), _colour(random, (0.55, 0.85))
    if random.random() < 0.6:
        face.oval(0, -0.25, 1.05, 0.95, hair)
    for side in (-1, 1) if random.random() < 0.5 else ():
        face.oval(side * 0.92, 0.05, 0.14, 0.2, skin)
    face.oval(0, 0.05, random.uniform(0.8, 0.95), 0.95, skin)
    if random.random() < 0.7:
        face.line([(0, -0.05), (random.choice([-0.1, 0.1]), 0.2), (0, 0.22)], 0.03)


def _draw_eyes(face: _Face, random: np.random.Generator) -> None:
    apart, size = random.uniform(0.3, 0.4), random.uniform(0.07, 0.13)
    white = random.random() < 0.6
    for side in (-1, 1):
        if white:
            face.oval(side * apart, -0.18, 1.7 * size, 1.5 * size, (250, 250, 250))
        face.oval(side * apart, -0.18, size, size, face.ink)
        if random.random() < 0.15:
            face.oval(side * apart, -0.18, 0.3 * size, 0.3 * size, (255, 255, 255))


def _brows(face: _Face, random: np.random.Generator, inner: float, outer: float) -> None:
    """Brows whose inner and outer ends lie so much higher than the level."""
    level, width = random.uniform(-0.5, -0.42), random.uniform(0.04, 0.08)
    for side in (-1, 1):
        face.line([(side * 0.18, level - inner), (side * 0.52, level - outer)], width)


def _curve(width: float, height: float, level: float) -> list[tuple[float, float]]:
    """A mouth's line, a parabola: a height over 0 lifts its corners over its middle."""
    places = np.linspace(-1, 1, 25)
    return [(x * width, level + height * (0.5 - x * x)) for x in places.tolist()]


def _positive(face: _Face, random: np.random.Generator) -> None:
    """Corners of the mouth up; it may be open."""
    _brows(face, random, random.uniform(0.0, 0.05), random.uniform(0.0, 0.05))
    width, height = random.uniform(0.35, 0.55), random.uniform(0.2, 0.38)
    smile = _curve(width, height, 0.42)
    if random.random() < 0.5:
        face.area(smile, (150, 40, 50) if random.random() < 0.5 else (250, 250, 250))
        face.line([smile[0], smile[-1]], 0.04)
    face.line(smile, random.uniform(0.04, 0.08))


def _neutral(face: _Face, random: np.random.Generator) -> None:
    """A straight mouth and level brows."""
    _brows(face, random, 0.0, 0.0)
    mouth = _curve(random.uniform(0.25, 0.5), random.uniform(-0.03, 0.03), 0.45)
    face.line(mouth, random.uniform(0.04, 0.08))


def _negative(face: _Face, random: np.random.Generator) -> None:
    """Corners of the mouth down; angry brows fall towards the nose, sad ones rise to it."""
    slope = random.uniform(0.1, 0.2)
    angry = random.random() < 0.5
    _brows(face, random, *((-slope, slope / 2) if angry else (slope, -slope / 2)))
    mouth = _curve(random.uniform(0.3, 0.5), -random.uniform(0.2, 0.35), 0.52)
    face.line(mouth, random.uniform(0.04, 0.08))
    if not angry and random.random() < 0.4:
        side = random.choice([-1, 1])
        face.oval(side * 0.38, 0.12, 0.05, 0.1, (90, 160, 230))


_EXPRESSIONS: dict[str, Callable[[_Face, np.random.Generator], None]] = dict(
    zip(CLASSES, (_negative, _neutral, _positive), strict=True)
)
