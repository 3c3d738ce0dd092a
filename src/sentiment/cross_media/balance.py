"""As many photos of each class as the rarest has, drawn by a seed without replacement."""

import numpy as np


def balanced(labels: np.ndarray, seed: int) -> np.ndarray:
    """Draw the same number of rows of each class that there is.

    Args:
        labels: class of each row, int64, shape (n,).
        seed: seed of the draw.

    Returns:
        Ascending row numbers, int64.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if not len(classes):
        return np.zeros(0, np.int64)
    random = np.random.default_rng(seed)
    drawn = [
        random.choice(np.flatnonzero(labels == label), counts.min(), replace=False)
        for label in classes
    ]
    return np.sort(np.concatenate(drawn))
