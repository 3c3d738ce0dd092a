"""Accuracy: its uncertainty, and beside it what always naming the commonest class would reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from sentiment.base import lettering


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


@dataclass(frozen=True)
class Commonest:
    """The class of the most images: a model that always names it gets their share right."""

    class_name: str
    """The first name, where several classes have the most images."""
    share: float
    """From 0 to 1."""

    @classmethod
    def among(cls, counts: Mapping[str, int]) -> "Commonest":
        """Find the commonest class, from the number of images by class, which are not all 0."""
        name = max(counts, key=lambda class_name: counts[class_name])
        return cls(name, counts[name] / sum(counts.values()))

    @classmethod
    def of(cls, y_true: np.ndarray, class_names: Sequence[str]) -> "Commonest":
        """Find the commonest class, from the true classes: integers (n,), n > 0."""
        counts = np.bincount(y_true, minlength=len(class_names)).tolist()
        return cls.among(dict(zip(class_names, counts, strict=True)))

    def __str__(self) -> str:
        return f"always saying {lettering.isolated(self.class_name)}: {self.share:.4f}"


@dataclass(frozen=True)
class Reached:
    """An accuracy, with what always naming the commonest class of the same images would reach."""

    accuracy: Accuracy
    commonest: Commonest
    balanced: float | None = None
    """Balanced accuracy; None where all classes have as many images, or it is not known."""

    @classmethod
    def of(cls, y_true: np.ndarray, y_pred: np.ndarray, class_names: Sequence[str]) -> "Reached":
        """Compute all of it, from true and predicted classes: integers (n,), n > 0."""
        return cls(
            accuracy(y_true, y_pred),
            Commonest.of(y_true, class_names),
            balanced_accuracy(y_true, y_pred) if uneven(y_true) else None,
        )

    @property
    def better(self) -> bool:
        """Whether the accuracy's interval lies above the commonest class's share."""
        return self.accuracy.interval[0] > self.commonest.share

    @property
    def beside(self) -> str:
        """The words beside the accuracy, such as `not better than always saying cat: 0.6620`."""
        words = f"{'' if self.better else 'not better than '}{self.commonest}"
        return words if self.balanced is None else f"{words}; balanced accuracy {self.balanced:.4f}"

    def __str__(self) -> str:
        return f"{self.accuracy}; {self.beside}"


def beside_commonest(where: str, models: Mapping[str, Reached]) -> list[str]:
    """Say which models are not better than always naming the commonest class.

    Args:
        where: what they were tested on, with which each sentence begins.
        models: what each reached, by its name.

    Returns:
        A sentence, such as `TTD: not better than always saying positive: 0.6593 (VGG19 FT-F).`
        Models that were tested on other images have a sentence of their own.
    """
    not_better: dict[Commonest, list[str]] = {}
    for name, reached in models.items():
        names = not_better.setdefault(reached.commonest, [])
        if not reached.better:
            names.append(name)
    return [
        f"{where}: not better than {commonest} ({', '.join(names)})."
        if names
        else f"{where}: {commonest}."
        for commonest, names in not_better.items()
    ]


def uneven(y_true: np.ndarray) -> bool:
    """Whether some of the classes that occur have more images than others."""
    counts = np.bincount(y_true)
    return len(np.unique(counts[counts > 0])) > 1


def balanced_accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Compute the mean of the recalls of the classes that occur; integers (n,), n > 0."""
    return float(
        np.mean([(y_pred[y_true == label] == label).mean() for label in np.unique(y_true)])
    )


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> Accuracy:
    """Accuracy of predicted against true classes, both integers of shape (n,), n > 0."""
    return Accuracy(len(y_true), int(np.sum(y_true == y_pred)))
