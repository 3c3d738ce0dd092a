"""Whether an exported model answers as Keras does, on the same photos."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sentiment.runs.accuracy import Reached

LARGEST_DIFFERENCE = 1e-4
"""Largest difference allowed between a probability of a float32 export and Keras' own."""

LARGEST_LOSS = 0.02
"""Share of the photos, rounded up to a whole one, that a quantised export may get wrong beyond
Keras."""


@dataclass(frozen=True)
class Agreement:
    """How an export's answers compare with Keras' on the same photos."""

    largest_difference: float
    """The largest difference between two probabilities."""
    equal_top1: int
    """Photos that are given the same class."""
    keras: Reached
    exported: Reached

    def fault(self, quantised: bool) -> str | None:
        """Why the export is refused, or None."""
        allowed = math.inf if quantised else LARGEST_DIFFERENCE
        if not self.largest_difference <= allowed:  # so that NaN is refused
            return (
                f"gives probabilities up to {self.largest_difference:.1e} from Keras'; allowed "
                f"are {allowed:.0e}"
            )
        keras, exported = self.keras.accuracy, self.exported.accuracy
        lost = keras.correct - exported.correct
        allowed = math.ceil(LARGEST_LOSS * keras.n)
        if quantised and lost > allowed:
            return f"gets {lost} of {keras.n:,} photos fewer right; allowed are {allowed}"
        return None

    def in_words(self) -> list[str]:
        """The lines that say it."""
        return [
            f"probabilities within {self.largest_difference:.1e} of Keras', the same top-1 class "
            f"for {self.equal_top1:,} of {self.keras.accuracy.n:,} photos",
            f"Keras    {self.keras}",
            f"exported {self.exported}",
        ]


def compare(
    labels: np.ndarray, expected: np.ndarray, exported: np.ndarray, class_names: Sequence[str]
) -> Agreement:
    """Compare an export's answers with Keras'.

    Args:
        labels: true classes, int (n,).
        expected: Keras' probabilities, float (n, classes).
        exported: the export's probabilities, float (n, classes).
        class_names: names of the classes.
    """
    top1, exported_top1 = expected.argmax(axis=1), exported.argmax(axis=1)
    return Agreement(
        largest_difference=float(np.abs(expected - exported).max()),
        equal_top1=int(np.sum(top1 == exported_top1)),
        keras=Reached.of(labels, top1, class_names),
        exported=Reached.of(labels, exported_top1, class_names),
    )
