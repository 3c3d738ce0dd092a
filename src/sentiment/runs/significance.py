"""Which of several models differ for real: exact McNemar tests on the same images."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from sentiment.base.errors import UserError
from sentiment.runs.predictions import Predictions

LEVEL = 0.05
"""Of the chance that any difference called real is none (Holm, 1979)."""


@dataclass(frozen=True)
class Comparison:
    """Two models on the same n images."""

    first: str
    second: str
    n: int
    only_first: int
    """Images that the first alone got right."""
    only_second: int
    p: float
    """McNemar's, exact: of a split of the two counts at least so uneven, if both models err
    alike."""
    p_holm: float
    """The same, corrected for the number of pairs compared."""

    @property
    def difference(self) -> float:
        """Accuracy of the first less that of the second."""
        return (self.only_first - self.only_second) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Of the difference, 95 %, as Agresti and Min (2005) have it: half an image more in each
        cell, and then the normal distribution; not corrected for other comparisons."""
        n, a, b = self.n + 2, self.only_first + 1 / 2, self.only_second + 1 / 2
        middle = (a - b) / n
        half = 1.96 * math.sqrt(a + b - (a - b) ** 2 / n) / n
        return middle - half, middle + half

    @property
    def real(self) -> bool:
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
    counts = [_only_right(first, models[first], second, models[second]) for first, second in pairs]
    # Two models that differ on no image: nothing speaks against their being alike.
    p = [binomtest(a, a + b).pvalue if a + b else 1.0 for a, b in counts]
    return [
        Comparison(*pair, len(models[pair[0]]), *count, float(single), corrected)
        for pair, count, single, corrected in zip(pairs, counts, p, holm(p), strict=True)
    ]


def holm(p: list[float]) -> list[float]:
    """Holm's step-down correction of m p-values: the k-th least times m - k, never falling."""
    order = np.argsort(p)
    steps = np.array(p)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected.tolist()


def _only_right(first: str, one: Predictions, second: str, other: Predictions) -> tuple[int, int]:
    """How many images the first alone, and the second alone, got right."""
    ours, theirs = (np.argsort(p.paths, kind="stable") for p in (one, other))
    same = np.array_equal(one.paths[ours], other.paths[theirs])
    if not same or not np.array_equal(one.y_true[ours], other.y_true[theirs]):
        raise UserError(
            f"{first} and {second} did not predict the same images with the same labels: "
            "predict with both again"
        )
    one_right, other_right = one.right[ours], other.right[theirs]
    return int(np.sum(one_right & ~other_right)), int(np.sum(~one_right & other_right))
