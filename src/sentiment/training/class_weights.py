"""Weights of the classes in the loss, for data whose classes have not as many images each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sentiment.runs import training_plan
from sentiment.runs.training_plan import Training

if TYPE_CHECKING:
    import numpy as np

UNEVEN = 1.5
"""Classes are called uneven where the largest has more than so many times the smallest's images."""

MOST_NAMED = 5
"""Classes up to which each one's number of images is named."""


def of(training: Training) -> dict[str, float] | None:
    """The weight of each class in the loss, in the order of the labels; None where it has none."""
    if training.recipe.class_weights == "none":
        return None
    counts = training_plan.counts(training.dataset, training.run, training.recipe.seed)
    return balanced(counts["train"])


def balanced(counts: Mapping[str, int]) -> dict[str, float]:
    """The weights with which all classes count alike and the mean over the images is 1.

    This is n / (k n_c) of scikit-learn's `compute_class_weight("balanced")` (after King & Zeng,
    2001), for n images of k classes, n_c of them of the class. A class without images has 0.

    Args:
        counts: number of images by class.
    """
    images, classes = sum(counts.values()), sum(count > 0 for count in counts.values())
    return {name: images / (classes * n) if n else 0.0 for name, n in counts.items()}


def by_label(weights: Mapping[str, float] | None) -> "np.ndarray | None":
    """Weights in the order of the labels, float32 (classes,), as `Batches` takes them."""
    import numpy as np  # which --help and --dry-run do without

    return None if weights is None else np.array(list(weights.values()), np.float32)


def uneven_in_words(counts: Mapping[str, int]) -> str:
    """Such as `60 negative, 30 positive, 10 neutral`, the largest first; empty if not UNEVEN.

    Args:
        counts: number of images by class.
    """
    there = {name: count for name, count in counts.items() if count}
    ordered = sorted(there, key=lambda name: -there[name])
    if not there or there[ordered[0]] <= UNEVEN * there[ordered[-1]]:
        return ""
    each = [f"{there[name]:,} {name}" for name in ordered]
    return ", ".join(each) if len(each) <= MOST_NAMED else f"{each[0]} to {each[-1]}"
