"""How often a teacher agrees with people, and with another teacher, and where they part."""

from typing import NamedTuple

import numpy as np

from sentiment.cross_media.confidence import labels_of
from sentiment.cross_media.teacher import HEADER, Strength

NEUTRAL = 1
"""Code of the class that is not polar."""


class Share(NamedTuple):
    """A share of n with its 95 % interval."""

    n: int
    value: float
    low: float
    high: float


class Agreement(NamedTuple):
    """How a teacher agrees with tags."""

    all: Share
    """Share of all tagged posts whose label is the tag."""
    polar: list[tuple[str, Share]]
    """By strength, in words: of the posts that both call polar, where the two are the same."""
    confusion: list[list[int]]
    """Posts by tag (row) and label (column)."""


def share(right: int, n: int) -> Share:
    """A share with Wilson's interval, of `right` in `n`; of none it is NaN, from 0 to 1."""
    from scipy.stats import binomtest

    if not n:
        return Share(0, float("nan"), 0.0, 1.0)
    ends = binomtest(right, n).proportion_ci(0.95, method="wilson")
    return Share(n, right / n, float(ends.low), float(ends.high))


def with_people(tags: np.ndarray, scores: np.ndarray, strength: Strength) -> Agreement:
    """Compare a teacher's labels with tags.

    Args:
        tags: what people say of n posts, 0, 1, 2, shape (n,).
        scores: the teacher's scores, (n, 3).
        strength: its measure of sureness.
    """
    labels, confidence = labels_of(scores)
    same, strong = labels == tags, strength.of(confidence)
    both_polar = (tags != NEUTRAL) & (labels != NEUTRAL)
    polar = []
    for least in strength.least:
        rows = both_polar & (strong >= least)
        any_at_all = least == strength.least[0]
        words = "any strength" if any_at_all else f"{strength.name} at least {least:g}"
        polar.append((words, share(int(same[rows].sum()), int(rows.sum()))))
    return Agreement(share(int(same.sum()), len(same)), polar, confusion(tags, labels))


def confusion(rows: np.ndarray, columns: np.ndarray) -> list[list[int]]:
    """Count pairs of codes, int64, shape (n,) each: a list a row's code."""
    counts = np.zeros((len(HEADER), len(HEADER)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts.tolist()
