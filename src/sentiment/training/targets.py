"""What a network is to say of each image: its class, or probabilities of all classes."""

from collections.abc import Callable

import numpy as np

from sentiment.data.joined_splits import Joined
from sentiment.model.recipe import Recipe
from sentiment.training.mixing import mixes


def are_soft(recipe: Recipe, learned: Joined) -> bool:
    """Whether probabilities are learned, so that they are validated by too; else classes are.

    Args:
        learned: the images to learn from.
    """
    return recipe.label_smoothing > 0 or learned.shares is not None or mixes(recipe)


def targets(
    recipe: Recipe, images: Joined, classes: int, learning: bool
) -> Callable[[np.ndarray], np.ndarray]:
    """The probabilities that the network is to give: the shares, or 1 for the label, smoothed.

    Args:
        images: the images that learn, or those to validate with, which have no shares.
        learning: otherwise validating, which is done by the labels as they are.

    Returns:
        From row numbers of the images, int64 (b,), to float32 (b, classes).
    """
    smoothing = recipe.label_smoothing if learning else 0.0

    def smoothed(shares: np.ndarray) -> np.ndarray:
        return (1 - smoothing) * shares + np.float32(smoothing / classes)

    shares, labels = images.shares, images.labels
    if shares is not None:
        return lambda rows: smoothed(shares[rows])
    of_classes = smoothed(np.eye(classes, dtype=np.float32))
    return lambda rows: of_classes[labels[rows]]
