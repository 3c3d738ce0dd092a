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
"""Key in the model's card and its checkpoint's plan: red, green, blue, from 0 to 255."""

BLOCK = 64
"""Images held in memory at a time."""


def mean_pixel(training: Training, images: Stored, rows: np.ndarray) -> list[float] | None:
    """The mean pixel, if the recipe asks for it.

    It is computed once: a run that goes on takes it from its checkpoint, and FT-A takes the one
    that FT-F's features were made with.

    Args:
        images: uint8 RGB (n, height, width, 3).
        rows: rows of the images that the run learns from: ascending, int64.

    Returns:
        Red, green and blue, from 0 to 255; None if the recipe does not ask for them.

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
    """Compute the mean from sums of integers, so that the order of the images does not count."""
    row_length = images.shape[2] * images.shape[3]
    total, block = np.zeros(row_length, np.uint64), np.empty((BLOCK, *images.shape[1:]), np.uint8)
    with progress("mean pixel", len(rows)) as advance:
        for start in range(0, len(rows), BLOCK):
            of_block = rows[start : start + BLOCK]
            read = block[: len(of_block)]
            images.copy(of_block, list(read))
            total += read.reshape(-1, row_length).sum(axis=0, dtype=np.uint32)
            advance(len(of_block))
    count = len(rows) * images.shape[1] * images.shape[2]
    return (total.reshape(-1, 3).sum(axis=0) / count).tolist()
