"""Which regions of a photo drove the decision: cover each, and see the probability fall.

Occlusion (Zeiler & Fergus, 2014) needs nothing of a model but its answers, so it explains
the very file that is served.
"""

from collections.abc import Iterator

import numpy as np

from sentiment.inference.litert import LitertModel

CELLS = 7
"""Cells of the heat map in a row and in a column."""

WINDOWS = CELLS + 1
"""Windows in a row and in a column. Each covers 2 x 2 cells, at the border fewer, so that every
cell is covered four times and the map is smooth."""


def cover_row(photo: np.ndarray, row: int) -> Iterator[np.ndarray]:
    """Cover a photo's windows of one row in turn by the photo's mean colour.

    Args:
        photo: uint8 (side, side, 3).
        row: 0 to WINDOWS - 1.

    Yields:
        Copies of the photo, WINDOWS in all.
    """
    edges = np.arange(CELLS + 1) * len(photo) // CELLS
    mean = photo.mean(axis=(0, 1)).round().astype(np.uint8)

    def covers(place: int) -> slice:
        return slice(edges[max(0, place - 1)], edges[min(place + 1, CELLS)])

    for column in range(WINDOWS):
        covered = photo.copy()
        covered[covers(row), covers(column)] = mean
        yield covered


def probabilities_of_row(
    model: LitertModel, photo: np.ndarray, row: int, label: int
) -> list[float]:
    """Predict a photo with each window of a row covered.

    Args:
        model: a worker's interpreter.
        photo: uint8 (side, side, 3).
        row: 0 to WINDOWS - 1.
        label: index of the class.

    Returns:
        The class's probabilities, WINDOWS values.
    """
    return [float(model.predict(covered[None])[0, label]) for covered in cover_row(photo, row)]


def importance(probability: float, covered: np.ndarray) -> np.ndarray:
    """How far the label's probability falls when a cell is covered, the mean over its windows.

    Args:
        probability: the label's, of the whole photo.
        covered: the label's probabilities with each window covered, shape (WINDOWS, WINDOWS).

    Returns:
        Shape (CELLS, CELLS), in [-1, 1]. Over 0: the cell speaks for the label.
    """
    falls = probability - covered
    return (falls[:-1, :-1] + falls[:-1, 1:] + falls[1:, :-1] + falls[1:, 1:]) / 4
