"""Emotion6 (Peng et al., 2015): photos with the shares of seven emotions that people felt."""

from sentiment.base.errors import UserError
from sentiment.data.collections import labelled_photos
from sentiment.data.collections.collection import Source
from sentiment.data.collections.labelled_photos import Labelled
from sentiment.data.collections.origin import Origin
from sentiment.data.tables import Table

CLASSES = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
"""The emotions in the order of their columns."""

BEFORE = 3
"""Columns before the emotions': photo, valence and arousal."""


def read(origin: Origin) -> Source:
    """Read `ground_truth.txt`, a header and tab-separated rows, and the photos in `images/`."""
    table = Table(origin.folder / "ground_truth.txt")
    if len(table.columns) != BEFORE + len(CLASSES):
        raise UserError(
            f"{table.file}:1: {len(table.columns)} columns; expected {BEFORE + len(CLASSES)}: the "
            f"photo, valence, arousal, and the shares of {', '.join(CLASSES)}"
        )
    photo, shares = table.columns[0], table.columns[BEFORE:]
    labelled = [
        Labelled(row.where, row.text(photo), amounts=[row.number(name) for name in shares])
        for row in table
    ]
    return labelled_photos.source(
        origin, labelled, "people, 15 a photo, as shares (Emotion6)", CLASSES,
        origin.folder / "images",
    )  # fmt: skip
