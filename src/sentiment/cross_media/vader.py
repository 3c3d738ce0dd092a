"""VADER, a lexicon of English with rules, as a teacher (Hutto and Gilbert, ICWSM 2014)."""

import importlib.metadata

import numpy as np

from sentiment.cross_media.teacher import Strength

BOUNDARY = 0.04995
"""Half way between the largest neutral |compound|, 0.0499, and the least polar one, 0.05, which
VADER's authors name; compounds have four decimal places."""


class CompoundStrength(Strength):
    """VADER's own measure of sureness, |compound|, from the probability of a polar label."""

    def __init__(self) -> None:
        super().__init__("|compound|", (0.05, 0.4, 0.6, 0.8))

    def of(self, confidence: np.ndarray) -> np.ndarray:
        """Undo what `probabilities` does to polar texts."""
        return np.round(BOUNDARY + (confidence - 0.5) * 2 * (1 - BOUNDARY), 4)


class Vader:
    """The teacher that needs neither weights nor a network connection."""

    name = "vader"
    block = 1000
    strength: Strength = CompoundStrength()

    def __init__(self) -> None:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        self._analyzer = SentimentIntensityAnalyzer()

    @property
    def identity(self) -> dict[str, str]:
        """Name and version."""
        return {"teacher": self.name, "version": importlib.metadata.version("vaderSentiment")}

    @property
    def in_words(self) -> str:
        """Name and version in words."""
        return f"VADER {self.identity['version']}"

    def scores(self, texts: list[str]) -> np.ndarray:
        """Probabilities of negative, neutral and positive: float64, shape (n, 3)."""
        compounds = [self._analyzer.polarity_scores(text)["compound"] for text in texts]
        return probabilities(np.array(compounds, float))


def probabilities(compounds: np.ndarray) -> np.ndarray:
    """Lay VADER's compounds, float64, shape (n,), out as probabilities, (n, 3).

    VADER gives none: its `neg`, `neu` and `pos` are shares of words. Here the label is VADER's
    own, and its probability rises in a straight line with |compound|, from 0.5 at the boundary to
    1 where |compound| is 1, or 0 for neutral. So 0.7 stands for |compound| 0.43.
    """
    strength = np.abs(compounds)
    polar = strength > BOUNDARY
    outside = 0.5 + 0.5 * (strength - BOUNDARY) / (1 - BOUNDARY)
    neutral = np.where(polar, 1 - outside, 1 - 0.5 * strength / BOUNDARY)
    rest = 1 - neutral
    return np.stack([rest * (compounds < 0), neutral, rest * (compounds > 0)], axis=1)
