"""Which of several models differ for real: exact McNemar tests on the same images."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from sentiment.base.errors import UserError
from sentiment.runs.predictions import Predictions

LEVEL = 0.05
"""The chance, at most, that any difference called real is none (Holm, 1979)."""


@dataclass(frozen=True)
class Comparison:
    """Two models on the same n images."""

    first: str
    second: str
    n: int
    only_first: int
    """Images that the first alone got right."""
    only_second: int
    """Images that the second alone got right."""
    p: float
    """McNemar's exact p: the chance that the two counts are at least so uneven if both models are
    equally good."""
    p_holm: float
    """McNemar's p after Holm's correction for the number of pairs compared."""

    @property
    def difference(self) -> float:
        """Accuracy of the first less that of the second."""
        return (self.only_first - self.only_second) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The difference's 95 % interval by Agresti and Min (2005).

        Half an image is added to each cell, then the normal distribution is taken. It is not
        corrected for other comparisons.
        """
        middle, variance = _agresti_min(self.n, self.only_first, self.only_second)
        half = 1.96 * math.sqrt(variance)
        return middle - half, middle + half

    @property
    def real(self) -> bool:
        """Whether the difference is significant after Holm's correction, at LEVEL."""
        return self.p_holm < LEVEL


def pairwise(models: dict[str, Predictions]) -> list[Comparison]:
    """Compare every two models.

    Raises:
        UserError: they did not predict the same images.
    """
    return compare(models, list(itertools.combinations(models, 2)))


def compare(models: dict[str, Predictions], pairs: list[tuple[str, str]]) -> list[Comparison]:
    """Compare these pairs, corrected for their number.

    Raises:
        UserError: two did not predict the same images.
    """
    counts = [_only_right(models, first, second) for first, second in pairs]
    # Nothing speaks against two models being equally good that differ on no image.
    p_values = [float(binomtest(a, a + b).pvalue) if a + b else 1.0 for a, b in counts]
    return [
        Comparison(first, second, len(models[first]), *only_right, p, p_holm)
        for (first, second), only_right, p, p_holm in zip(
            pairs, counts, p_values, holm(p_values), strict=True
        )
    ]


@dataclass(frozen=True)
class Difference:
    """The balanced accuracy of one model less that of another, on the same images."""

    value: float
    interval: tuple[float, float]
    """Its 95 % interval, by the mean over the classes of Agresti and Min's differences, whose
    variances add up. It is not corrected for other comparisons."""


def balanced_difference(first: Predictions, second: Predictions) -> Difference:
    """Compare the means of the classes' recalls.

    Raises:
        UserError: the models did not predict the same images.
    """
    y_true, a, b = _right({"the first": first, "the second": second}, "the first", "the second")
    of_class = [y_true == label for label in np.unique(y_true)]
    value = float(np.mean([a[rows].mean() - b[rows].mean() for rows in of_class]))
    parts = [
        _agresti_min(int(rows.sum()), int((a & ~b)[rows].sum()), int((~a & b)[rows].sum()))
        for rows in of_class
    ]
    middle, variance = np.mean(parts, axis=0)
    half = 1.96 * math.sqrt(variance / len(parts))
    return Difference(value, (float(middle - half), float(middle + half)))


def _agresti_min(n: int, only_first: int, only_second: int) -> tuple[float, float]:
    """Middle and variance of Agresti and Min's interval, which adds half an image to each cell."""
    n, a, b = n + 2, only_first + 1 / 2, only_second + 1 / 2
    return (a - b) / n, (a + b - (a - b) ** 2 / n) / n**2


def holm(p: list[float]) -> list[float]:
    """Holm's step-down correction of m p-values: the k-th least times m - k, never falling."""
    order = np.argsort(p)
    steps = np.array(p)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected.tolist()


def _only_right(models: dict[str, Predictions], first: str, second: str) -> tuple[int, int]:
    """Count the images that the first model alone, and the second alone, got right."""
    _, a_right, b_right = _right(models, first, second)
    return int(np.sum(a_right & ~b_right)), int(np.sum(~a_right & b_right))


def _right(
    models: dict[str, Predictions], first: str, second: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True classes of the images, and whether each model got them right, in one order: (n,)."""
    a, b = models[first], models[second]
    a_order, b_order = np.argsort(a.paths, kind="stable"), np.argsort(b.paths, kind="stable")
    same_images = np.array_equal(a.paths[a_order], b.paths[b_order])
    if not same_images or not np.array_equal(a.y_true[a_order], b.y_true[b_order]):
        raise UserError(
            f"{first} and {second} did not predict the same images with the same labels: "
            "predict with both again"
        )
    return a.y_true[a_order], a.right[a_order], b.right[b_order]
