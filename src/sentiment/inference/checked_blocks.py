"""What a network says of a split's images, block by block; what may go wrong is said in a line."""

from collections.abc import Callable, Iterator

import keras
import numpy as np

from sentiment.base.errors import UserError
from sentiment.data.split import Split
from sentiment.engine import backend
from sentiment.engine.batches import Batches, predicted


def blocks(
    network: keras.Model,
    split: Split,
    rows: np.ndarray,
    batch_size: int,
    classes: int,
    advance: Callable[[int], None],
    start: int = 0,
) -> Iterator[np.ndarray]:
    """Predict images from one of them on.

    Args:
        rows: ascending row numbers of the split, int64 (n,).
        advance: hears how many more have been done.
        start: the first of the rows to predict, at the end of a block.

    Yields:
        The network's output for some images, float32 (b, classes).

    Raises:
        UserError: memory is short, or what the network gives is of another shape or no numbers.
    """
    in_order = Batches(split, rows, batch_size, shuffle_seed=None)
    try:
        for block in predicted(network, in_order, advance, start):
            if block.shape[1:] != (classes,) or not np.isfinite(block).all():
                raise UserError("the model does not give probabilities; train it again")
            yield block
    except Exception as error:
        if not backend.out_of_memory(error):
            raise
        raise UserError(
            f"out of memory with {batch_size} images at a time; give a lower --batch-size, such as "
            f"{max(1, batch_size // 2)}"
        ) from error
