"""What a teacher is: it reads texts, and says how negative, neutral and positive each is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

HEADER = ("NEG", "NEU", "POS")
"""Names of the columns of scores, in the order of the classes."""

DIGITS = 6
"""Decimal places of a score, as it is written and as the label is taken from it."""


class Strength:
    """How a teacher's sureness is called, and where agreement with people is looked at.

    Args:
        name: its name, such as `confidence`.
        least: values at which agreement is looked at; at the first every label counts.
    """

    def __init__(self, name: str = "confidence", least: Sequence[float] = (0, 0.6, 0.7, 0.8, 0.9)):
        self.name = name
        self.least = tuple(least)

    def of(self, confidence: np.ndarray) -> np.ndarray:
        """Turn the probabilities of labels, float64, shape (n,), into that measure."""
        return confidence


class Teacher(Protocol):
    """A classifier of texts."""

    name: str
    """What --teacher calls it."""
    strength: Strength

    @property
    def identity(self) -> Mapping[str, str]:
        """Everything that its scores depend on, for the files that say whose they are."""
        ...

    @property
    def in_words(self) -> str:
        """What it is, as the end of `read by ...`."""
        ...

    block: int
    """Texts that it is given at once."""

    def scores(self, texts: list[str]) -> np.ndarray:
        """Score n normalised texts: float64, shape (n, 3), columns as HEADER, sums of 1."""
        ...
