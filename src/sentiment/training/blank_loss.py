"""The loss of a model that knows nothing of a photo, and what to do where training ends there."""

import numpy as np

from sentiment.model.recipe import Recipe

NEAR = 0.01
"""A loss that differs from that one by this part of it, at most, counts as the same."""


def blank_loss(labels: np.ndarray) -> float:
    """The cross-entropy of a model that always gives the classes' shares; ln k for k even classes.

    Args:
        labels: classes of the images, integers (n,), n > 0.
    """
    counts = np.bincount(labels)
    shares = counts[counts > 0] / len(labels)
    return float(-(shares * np.log(shares)).sum())


def hint(recipe: Recipe, loss: float, labels: np.ndarray) -> str:
    """What to do, in words, where a validation loss is that of a model that knows nothing.

    Args:
        loss: the lowest that was reached.
        labels: classes of the validation images, integers (n,).

    Returns:
        A sentence; empty if the loss is another one.
    """
    blank = blank_loss(labels)
    if abs(loss - blank) > NEAR * blank:
        return ""
    remedy = "try another --learning-rate, which scripts/learning_rate_range.py suggests"
    if recipe.weights == "none":
        remedy = "random first --weights need far more photos and epochs; give others"
    return (
        f"nothing was learned: a model that knows only how common each class is has this loss in "
        f"validation too, {blank:.4f}; {remedy}"
    )
