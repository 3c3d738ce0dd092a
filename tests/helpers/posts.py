"""Tables of posts to make sets of, with tiny photos."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

COLUMNS = ("id", "text", "photo", "author", "created_at")

MOODS = ("happy", "horrible", "long")
"""A word of each text: VADER reads the first as positive, the second as negative."""


def text(number: int) -> str:
    """An English text of ten words or so, unlike that of any other number."""
    return f"a {MOODS[number % 3]} morning at the river with boat q{number}q and everyone"


def write(file: Path, rows: Iterable[Iterable[object]], columns: Iterable[str] = COLUMNS) -> Path:
    """Write a table of posts."""
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows([columns, *rows])
    return file


def noise(number: int, side: int = 8) -> Image.Image:
    """A picture of noise, grey."""
    pixels = np.random.default_rng(number).integers(0, 256, (side, side), np.uint8)
    return Image.fromarray(pixels)


def photo(file: Path, number: int, side: int = 8, quality: int = 90) -> None:
    """Write a tiny photo; one of another number hardly resembles it, another quality does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    noise(number, side).save(content, "JPEG", quality=quality)
    file.write_bytes(content.getvalue())


def posts(folder: Path, count: int) -> Path:
    """A table of so many posts of different texts and photos, which lie in `photos` beside it."""
    for number in range(count):
        photo(folder / "photos" / f"{number}.jpg", number)
    rows = ([f"id{number}", text(number), f"{number}.jpg", "", ""] for number in range(count))
    return write(folder / "posts.csv", rows)
