"""What other thresholds of confidence would keep, and how sure the teacher was."""

from typing import NamedTuple

import numpy as np

from sentiment.cross_media.confidence import labels_of
from sentiment.cross_media.teacher import HEADER

LEAST = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
"""Thresholds that are shown; 0.85 and 0.9 among them were used for T4SA and T4SA 2.0."""

EDGES = np.round(np.arange(0.3, 1.001, 0.05), 2)
"""Edges of the bins of the histograms; the largest of three probabilities is a third or more."""


class Histogram(NamedTuple):
    """How sure the teacher was of one class's labels."""

    photos: int
    counts: list[int]
    """Photos by bin, as EDGES has them."""


def kept(scores: np.ndarray) -> dict[float, list[int]]:
    """Photos of each class that each threshold would keep.

    Args:
        scores: scores of n photos, shape (n, 3).
    """
    labels, confidence = labels_of(scores)
    return {
        least: np.bincount(labels[confidence >= least], minlength=len(HEADER)).tolist()
        for least in LEAST
    }


def histograms(scores: np.ndarray) -> list[Histogram]:
    """A histogram of the labels' confidence for each class, of scores of shape (n, 3)."""
    labels, confidence = labels_of(scores)
    found = []
    for number in range(len(HEADER)):
        of_class = confidence[labels == number]
        counts = np.histogram(of_class.clip(EDGES[0], EDGES[-1]), EDGES)[0]
        found.append(Histogram(len(of_class), counts.tolist()))
    return found
