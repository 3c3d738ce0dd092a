"""Photos that a model was surest about, right and wrong, as a report shows them."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from sentiment.base.errors import UserError
from sentiment.data.dataset import Dataset
from sentiment.runs.predictions import Predictions

A_ROW = 6
"""Photos of a class, right or wrong."""

MOST_CLASSES = 6
"""Whose photos are shown: more make no page."""


MOST_EXAMPLES = 4
"""Photos whose decisions are explained."""


@dataclass(frozen=True)
class Photo:
    """One photo with what was said of it."""

    image: np.ndarray
    """uint8 (h, w, 3)."""
    caption: str
    path: str
    """In the words of the source's list."""

    def jpeg(self) -> str:
        """As a data URI."""
        box = io.BytesIO()
        Image.fromarray(self.image).save(box, format="JPEG", quality=85)
        return "data:image/jpeg;base64," + base64.b64encode(box.getvalue()).decode()


@dataclass(frozen=True)
class Row:
    """Photos that belong together."""

    title: str
    photos: list[Photo]


class Tested:
    """The photos of a test split that was predicted.

    Raises:
        UserError: the data are not there, or are not those that were predicted.
    """

    def __init__(self, dataset: Dataset, predictions: Predictions):
        self.predictions = predictions
        self._split = dataset.split("test")
        if not np.array_equal(self._split.paths, predictions.paths):
            raise UserError(f"{dataset.folder}: prepared anew since its test split was predicted")

    def image(self, row: int) -> np.ndarray:
        return self._split.images[row : row + 1][0]

    def photo(self, row: int) -> Photo:
        p = self.predictions
        return Photo(self.image(row), p.in_words(row), str(p.paths[row]))


def surest(predictions: Predictions, label: int, right: bool) -> np.ndarray:
    """Rows of a true class that were said right or wrong, the most confident first."""
    rows = np.flatnonzero((predictions.y_true == label) & (predictions.right == right))
    return rows[np.argsort(-predictions.confidence[rows], kind="stable")]


def gallery(tested: Tested) -> list[Row]:
    """Of each class, the photos that were most confidently right and wrong."""
    p = tested.predictions
    kinds = [
        (label, right) for label in range(min(MOST_CLASSES, len(p.class_names)))
        for right in (True, False)
    ]  # fmt: skip
    rows = [
        Row(
            f"{p.class_names[label]}, {'right' if right else 'wrong'}",
            [tested.photo(row) for row in surest(p, label, right)[:A_ROW]],
        )
        for label, right in kinds
    ]
    return [row for row in rows if row.photos]


def examples(predictions: Predictions) -> list[int]:
    """The surest right photo of the first classes; where there is none, the surest wrong."""
    rows = [
        np.concatenate([surest(predictions, label, True), surest(predictions, label, False)])
        for label in range(min(MOST_EXAMPLES, len(predictions.class_names)))
    ]
    return [int(of_class[0]) for of_class in rows if len(of_class)]


def contact_sheet(rows: list[Row]) -> Figure:
    """All photos in one picture."""
    columns = max(len(row.photos) for row in rows)
    figure = Figure(figsize=(1.7 * columns, 2.1 * len(rows)), layout="constrained")
    for row, part in zip(rows, np.ravel(figure.subfigures(len(rows), 1)), strict=True):
        part.suptitle(row.title, fontsize=9)
        panels = np.ravel(part.subplots(1, columns))
        for panel in panels:
            panel.set_axis_off()
        for panel, photo in zip(panels, row.photos, strict=False):
            panel.imshow(photo.image)
            panel.set_title(photo.caption, fontsize=7)
    return figure
