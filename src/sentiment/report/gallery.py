"""Photos that a model was surest about, right and wrong, as a report shows them."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from sentiment.base import lettering
from sentiment.base.errors import UserError
from sentiment.data import data_uri
from sentiment.data.dataset import Dataset
from sentiment.runs.confusion import confusion, most_mistaken
from sentiment.runs.picture import Picture, style
from sentiment.runs.predictions import Predictions

A_ROW = 6
"""How many photos of a class are shown that were predicted right, and wrong."""

MOST_CLASSES = 8
"""How many classes have their photos shown: more make no page."""

MOST_EXAMPLES = 4
"""How many photos have their decisions explained."""

COLUMNS = 27
"""Letters that fit above a photo of a sheet, in a line."""


@dataclass(frozen=True)
class ShownPhoto:
    """A photo with the prediction for it."""

    image: np.ndarray
    """uint8 (h, w, 3)."""
    caption: str
    path: str
    """The photo's path, in the words of the source's list."""

    def jpeg(self) -> str:
        """The photo as a JPEG, as a data URI."""
        return data_uri.jpeg(Image.fromarray(self.image))


@dataclass(frozen=True)
class Row:
    """Photos that belong together."""

    title: str
    photos: list[ShownPhoto]


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
        """A photo, uint8 (h, w, 3)."""
        return self._split.images[row : row + 1][0]

    def photo(self, row: int) -> ShownPhoto:
        """A photo with its prediction."""
        predictions = self.predictions
        return ShownPhoto(self.image(row), predictions.in_words(row), str(predictions.paths[row]))


def surest(predictions: Predictions, label: int, right: bool) -> np.ndarray:
    """Rows of a true class that were predicted right or wrong, the most confident first.

    Returns:
        int64 (rows,).
    """
    rows = np.flatnonzero((predictions.y_true == label) & (predictions.right == right))
    return rows[np.argsort(-predictions.confidence[rows], kind="stable")]


def shown_classes(predictions: Predictions, most: int) -> list[int]:
    """Labels of the classes to show: all, or those that are in the most mistakes."""
    counts = confusion(predictions.y_true, predictions.y_pred, len(predictions.class_names))
    return most_mistaken(counts, most).tolist()


def gallery(tested: Tested) -> list[Row]:
    """The photos of each class that were most confidently right, and most confidently wrong."""
    predictions, rows = tested.predictions, []
    for label in shown_classes(predictions, MOST_CLASSES):
        name = lettering.isolated(predictions.class_names[label])
        for right, verdict in ((True, "right"), (False, "wrong")):
            surest_rows = surest(predictions, label, right)[:A_ROW]
            rows.append(Row(f"{name}, {verdict}", [tested.photo(row) for row in surest_rows]))
    return [row for row in rows if row.photos]


def examples(predictions: Predictions) -> list[int]:
    """Rows of the surest right photo of a few classes; where none is right, the surest one."""
    rows = [
        np.concatenate([surest(predictions, label, True), surest(predictions, label, False)])
        for label in shown_classes(predictions, MOST_EXAMPLES)
    ]
    return [int(class_rows[0]) for class_rows in rows if len(class_rows)]


def sheet(name: str, rows: list[Row]) -> Picture:
    """Draw all photos in one picture.

    Args:
        name: name of the picture's files.
    """
    columns = max(len(row.photos) for row in rows)
    captions = {photo.caption for row in rows for photo in row.photos}
    titles = [row.title for row in rows]
    with style([*titles, *captions]):
        figure = Figure(figsize=(1.7 * columns, 2.1 * len(rows)), layout="constrained")
        parts = figure.subfigures(len(rows), 1, squeeze=False).ravel()
        for row, part in zip(rows, parts, strict=True):
            part.suptitle(lettering.wrapped(row.title, COLUMNS * columns), fontsize=9)
            without_ticks: dict[str, list] = {"xticks": [], "yticks": []}  # unseen, yet laid out
            panels = np.ravel(part.subplots(1, columns, subplot_kw=without_ticks))
            for panel in panels:
                panel.set_axis_off()
            for panel, photo in zip(panels, row.photos, strict=False):
                panel.imshow(photo.image)
                panel.set_title(lettering.wrapped(photo.caption, COLUMNS), fontsize=7)
    return Picture(name, "", "; ".join(titles), figure)
