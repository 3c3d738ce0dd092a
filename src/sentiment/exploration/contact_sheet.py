"""A picture of many small photos, which shows a class at a glance."""

import io
import re
from collections.abc import Iterable
from pathlib import Path

from anyascii import anyascii
from matplotlib.figure import Figure
from PIL import Image

from sentiment.base import files, lettering
from sentiment.base.errors import BadImage, UserError
from sentiment.data import decode, fonts

WIDTH, ROW_HEIGHT, GAP, HEADING = 1600, 180, 6, 52
"""Sizes of the sheet's parts, in pixels."""

ROWS = 8
"""Rows of photos, at most."""

HEADING_COLUMNS = 95
"""Columns of letters that fit above the photos."""

LONGEST_NAME = 60
"""Letters of a class in the name of a file."""


def file_name(label: int, class_name: str) -> str:
    """Name of a class's sheet, in letters that every system and archive takes.

    The class's number keeps names apart that are alike in Latin letters.
    """
    latin = re.sub("[^A-Za-z0-9._-]+", "_", anyascii(class_name))
    return f"{label}_{latin[:LONGEST_NAME]}.png"


def draw(photos: Iterable[Path | Image.Image], heading: str, file: Path) -> None:
    """Draw photos side by side in rows that fill the width; each keeps its aspect ratio.

    Args:
        photos: the photos or their files, of which no more are read than the rows take.
        heading: text above the photos, after the number of those shown.
        file: the picture's file; its suffix is its format.

    Raises:
        UserError: a photo cannot be decoded, though it could when the collection was explored.
    """
    rows = _filled_rows(photos)
    heights = [_height(row) for row in rows]
    sheet = Image.new("RGB", (WIDTH, HEADING + sum(heights) + GAP * len(heights)), "white")
    sheet.paste(_lettered(f"{sum(map(len, rows))} {heading}"))
    top = HEADING
    for row, height in zip(rows, heights, strict=True):
        left = GAP
        for image in row:
            sheet.paste(image.resize(_size(image, height), Image.Resampling.LANCZOS), (left, top))
            left += _size(image, height)[0] + GAP
        top += height + GAP
    with files.whole_file(file) as temporary:
        sheet.save(temporary, compress_level=1)  # photos hardly get smaller


def _lettered(heading: str) -> Image.Image:
    """The heading, WIDTH by HEADING pixels, in the letters of any language."""
    shown = fonts.drawable(lettering.shortened(heading, HEADING_COLUMNS))
    figure = Figure(figsize=(WIDTH / 100, HEADING / 100), dpi=100)
    text = figure.text(GAP / WIDTH, 0.5, shown, size=19, va="center", parse_math=False)
    text.set_fontfamily(fonts.families([shown]))
    box = io.BytesIO()
    figure.savefig(box, format="png")
    return Image.open(box).convert("RGB")


def _filled_rows(photos: Iterable[Path | Image.Image]) -> list[list[Image.Image]]:
    """Decode photos, ROW_HEIGHT high, into rows that are filled one after the other."""
    rows: list[list[Image.Image]] = []
    room = 0
    for photo in photos:
        if room <= 0:
            if len(rows) == ROWS:
                break
            rows.append([])
            room = WIDTH - GAP
        image = _decoded(photo)
        rows[-1].append(image)
        room -= image.width + GAP
    return rows


def _decoded(photo: Path | Image.Image) -> Image.Image:
    try:
        image = decode.unpack(decode.read(photo)) if isinstance(photo, Path) else photo
    except BadImage as bad:
        raise UserError(f"{photo}: {bad}; it was a photo before: touch it and run again") from bad
    return image.resize(_size(image, ROW_HEIGHT), Image.Resampling.LANCZOS, reducing_gap=3)


def _size(image: Image.Image, height: int) -> tuple[int, int]:
    """Width and height of an image scaled to a height, or to the sheet's width if it is wide."""
    scale = min(height / image.height, (WIDTH - 2 * GAP) / image.width)
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _height(row: list[Image.Image]) -> int:
    """The height at which a row fills the sheet's width, at most ROW_HEIGHT."""
    room = WIDTH - GAP * (len(row) + 1)
    return min(ROW_HEIGHT, int(ROW_HEIGHT * room / sum(image.width for image in row)))
