"""A picture of many small photos, to see at a glance what a class holds."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sentiment.base import files
from sentiment.base.errors import BadImage, UserError
from sentiment.data import decode

WIDTH, ROW_HEIGHT, GAP, HEADING = 1600, 180, 6, 52
"""Pixels."""

ROWS = 8


def draw(photos: Iterable[Path], heading: str, file: Path) -> None:
    """Draw photos side by side in rows that fill the width; each keeps its aspect ratio.

    Args:
        photos: no more are read than the rows take.
        heading: above them, after the number of photos that are shown.
        file: the picture; its suffix is its format.

    Raises:
        UserError: a photo cannot be decoded, which it could when it was explored.
    """
    rows: list[list[Image.Image]] = []
    room = 0
    for photo in photos:
        if room <= 0:
            if len(rows) == ROWS:
                break
            rows.append([])
            room = WIDTH - GAP
        try:
            image = decode.unpack(decode.read(photo))
        except BadImage as bad:
            raise UserError(
                f"{photo}: {bad}; it was a photo before: touch it and run again"
            ) from bad
        image = image.resize(_size(image, ROW_HEIGHT), Image.Resampling.LANCZOS, reducing_gap=3)
        rows[-1].append(image)
        room -= image.width + GAP
    heights = [_height(row) for row in rows]
    sheet = Image.new("RGB", (WIDTH, HEADING + sum(heights) + GAP * len(heights)), "white")
    heading = f"{sum(map(len, rows))} {heading}"
    font = ImageFont.load_default(26)
    ImageDraw.Draw(sheet).text((GAP, HEADING / 2), heading, "black", font, anchor="lm")
    top = HEADING
    for row, height in zip(rows, heights, strict=True):
        left = GAP
        for image in row:
            sheet.paste(image.resize(_size(image, height), Image.Resampling.LANCZOS), (left, top))
            left += _size(image, height)[0] + GAP
        top += height + GAP
    with files.whole_file(file) as temporary:
        sheet.save(temporary, compress_level=1)  # photos hardly get smaller


def _size(image: Image.Image, height: int) -> tuple[int, int]:
    """Width and height at that height, or, of a very wide photo, within the sheet."""
    scale = min(height / image.height, (WIDTH - 2 * GAP) / image.width)
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _height(row: list[Image.Image]) -> int:
    """The height at which a row fills the sheet; one that is not full keeps its own."""
    room = WIDTH - GAP * (len(row) + 1)
    return min(ROW_HEIGHT, int(ROW_HEIGHT * room / sum(image.width for image in row)))
