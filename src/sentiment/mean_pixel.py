"""The mean pixel of the photos a run learns from, which the paper's own models subtract."""

import logging

import numpy as np

from sentiment import checkpoint, model_file
from sentiment.batches import Batches, Stored, reading
from sentiment.plans import Training
from sentiment.progress import progress

log = logging.getLogger(__name__)

MEAN_PIXEL = "mean_pixel"
"""In the model's card and its checkpoint's plan: red, green, blue, from 0 to 255."""


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
        mean = checkpoint.read_plan(training.run.checkpoint)[MEAN_PIXEL]
    elif training.head_from:
        mean = model_file.read_card(training.head_from)[MEAN_PIXEL]
    else:
        mean = _computed(images, rows)
    log.info("  subtracts the mean pixel of the training images, RGB %.4f %.4f %.4f", *mean)
    return mean


def _computed(images: Stored, rows: np.ndarray) -> list[float]:
    """Sums of whole numbers, so that the order of the images does not count."""
    batches = Batches(images, rows, batch_size=64, shuffle_seed=None)
    row_length = images.shape[2] * images.shape[3]
    total = np.zeros(row_length, np.uint64)
    with progress("mean pixel", len(rows)) as advance, reading(batches):
        for index in range(len(batches)):
            pixels, _ = batches[index]
            total += pixels.reshape(-1, row_length).sum(axis=0, dtype=np.uint32)
            advance(len(pixels))
    count = len(rows) * images.shape[1] * images.shape[2]
    return (total.reshape(-1, 3).sum(axis=0) / count).tolist()
