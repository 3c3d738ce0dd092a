"""Small photos of each class, from those the teacher was surest of to the least sure."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from sentiment.base.errors import BadImage, UserError
from sentiment.data import decode

SIDE = 144
"""Width and height of a small photo, in pixels; its middle is shown."""

SHOWN = 8
"""Photos of a class and third."""

THIRDS = ("the surest third", "the middle third", "the least sure third")


class Thumbnail(NamedTuple):
    """A small photo."""

    name: str
    confidence: float
    uri: str
    """The picture itself, a JPEG as a data URI."""


class Sheet(NamedTuple):
    """Photos of one class and third."""

    class_name: str
    third: str
    photos: list[Thumbnail]


def draw(
    root: Path,
    photos: Sequence[str],
    labels: np.ndarray,
    confidence: np.ndarray,
    classes: Sequence[str],
    seed: int,
) -> list[Sheet]:
    """Draw some photos of every class and third by lot.

    Args:
        root: folder that the photos' paths are relative to.
        photos: paths of n photos.
        labels: their classes, int64, shape (n,).
        confidence: the probabilities of their labels, (n,).
        classes: names of the classes.
        seed: seed of the draw.

    Raises:
        UserError: a photo cannot be decoded, though it could be before.
    """
    random = np.random.default_rng(seed)
    sheets = []
    for label, class_name in enumerate(classes):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(-confidence[rows], kind="stable")]
        for third, of_third in zip(THIRDS, np.array_split(rows, len(THIRDS)), strict=True):
            drawn = np.sort(random.permutation(len(of_third))[:SHOWN])
            shown = [
                Thumbnail(photos[row], float(confidence[row]), _uri(root / photos[row]))
                for row in of_third[drawn].tolist()
            ]
            if shown:
                sheets.append(Sheet(class_name, third, shown))
    return sheets


def _uri(photo: Path) -> str:
    try:
        image = decode.unpack(decode.read(photo))
    except BadImage as bad:
        raise UserError(f"{photo}: {bad}; it was a photo before: touch it and run again") from bad
    small = ImageOps.fit(image, (SIDE, SIDE), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    small.save(content, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
