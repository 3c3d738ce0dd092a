"""The mean pixel of the photos a run learns from, which the paper's own models subtract."""

import logging

import numpy as np

from sentiment.base.progress import progress
from sentiment.data.joined_splits import Stored
from sentiment.model import model_file
from sentiment.runs.training_plan import Training
from sentiment.training import checkpoint_file

log = logging.getLogger(__name__)

MEAN_PIXEL = "mean_pixel"
"""In the model's card and its checkpoint's plan: red, green, blue, from 0 to 255."""

BLOCK = 64
"""Images held in memory at a time."""


def mean_pixel(training: Training, images: Stored, rows: np.ndarray) -> list[float] | None:
    """Red, green and blue, if the recipe asks for them.

    They are computed once: a run that goes on takes them from its checkpoint, and FT-A takes those
    that FT-F's features were made with.

    Args:
        images: uint8 RGB (n, height, width, 3).
        rows: those that the run learns from, ascending, int64.

    Raises:
        UserError: an image is damaged.
    """
    if training.recipe.preprocessing != "dataset-mean":
        return None
    if training.run.checkpoint.exists():
        mean = checkpoint_file.read_plan(training.run.checkpoint)[MEAN_PIXEL]
    elif training.head_from:
        mean = model_file.read_card(training.head_from)[MEAN_PIXEL]
    else:
        mean = _computed(images, rows)
    log.info("  subtracts the mean pixel of the training images, RGB %.4f %.4f %.4f", *mean)
    return mean


def _computed(images: Stored, rows: np.ndarray) -> list[float]:
    """Sums of whole numbers, so that the order of the images does not count."""
    row_length = images.shape[2] * images.shape[3]
    total, block = np.zeros(row_length, np.uint64), np.empty((BLOCK, *images.shape[1:]), np.uint8)
    with progress("mean pixel", len(rows)) as advance:
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            images.copy(some, list(block[: len(some)]))
            total += block[: len(some)].reshape(-1, row_length).sum(axis=0, dtype=np.uint32)
            advance(len(some))
    count = len(rows) * images.shape[1] * images.shape[2]
    return (total.reshape(-1, 3).sum(axis=0) / count).tolist()
