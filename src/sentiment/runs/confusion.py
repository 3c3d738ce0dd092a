"""Which classes are taken for which: the confusion matrix, and what stands out in it."""

from dataclasses import dataclass

import numpy as np


def confusion(y_true: np.ndarray, y_pred: np.ndarray, classes: int) -> np.ndarray:
    """Counts, int64 (classes, classes): row the true class, column the predicted one."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (y_true, y_pred), 1)
    return counts


@dataclass(frozen=True)
class Confused:
    """Images of a class that were said to be of another one."""

    true: int
    said: int
    images: int
    of: int
    """Images of the true class."""


def most_confused(counts: np.ndarray, most: int) -> list[Confused]:
    """The pairs of classes with the most mistakes, the most first; no pair without a mistake.

    Pairs with as many mistakes stand in the order of their share of the true class, then of the
    matrix.

    Args:
        counts: a confusion matrix, as `confusion` makes it.
        most: how many pairs at most.
    """
    mistakes = counts - np.diag(np.diag(counts))
    totals = counts.sum(axis=1)
    shares = mistakes / np.maximum(1, totals)[:, None]
    order = np.lexsort((-shares.ravel(), -mistakes.ravel()))[:most]
    pairs = zip(*np.unravel_index(order, counts.shape), strict=True)
    return [
        Confused(int(true), int(said), int(counts[true, said]), int(totals[true]))
        for true, said in pairs
        if mistakes[true, said]
    ]


def most_mistaken(counts: np.ndarray, most: int) -> np.ndarray:
    """The classes that are in the most mistakes, as the true class or the one said.

    Args:
        counts: a confusion matrix, as `confusion` makes it.
        most: how many classes at most.

    Returns:
        Labels in the order of the classes, int64 (at most `most`,).
    """
    mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    return np.sort(np.argsort(-mistakes, kind="stable")[:most])
