"""Figures from predictions, each with its uncertainty."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest


@dataclass(frozen=True)
class Accuracy:
    """Top-1 accuracy over n images, with Wilson's 95 % interval (Wilson, 1927)."""

    n: int
    correct: int

    @property
    def value(self) -> float:
        return self.correct / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high end of the interval."""
        ends = binomtest(self.correct, self.n).proportion_ci(0.95, method="wilson")
        return float(ends.low), float(ends.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"accuracy {self.value:.4f}, 95 % interval {low:.4f} to {high:.4f}, n = {self.n:,}"


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> Accuracy:
    """Accuracy of predicted against true classes, both integers of shape (n,), n > 0."""
    return Accuracy(len(y_true), int(np.sum(y_true == y_pred)))


def confusion(y_true: np.ndarray, y_pred: np.ndarray, classes: int) -> np.ndarray:
    """Counts, int64 (classes, classes): row the true class, column the predicted one."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (y_true, y_pred), 1)
    return counts
