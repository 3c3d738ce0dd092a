"""Compute bottleneck features: one pass of a split's images through the frozen backbone."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from sentiment.base.progress import progress
from sentiment.base.wall_time import WALL_TIME
from sentiment.data.dataset import Dataset
from sentiment.data.feature_store import Features, folder_of
from sentiment.engine import cluster
from sentiment.engine.batches import Batches, predicted
from sentiment.model import build
from sentiment.model.recipe import Architecture, Recipe
from sentiment.training.feature_writer import NotNumbers, feature_writer

log = logging.getLogger(__name__)


@WALL_TIME.part("features")
def features(
    frozen: keras.Model,
    architecture: Architecture,
    recipe: Recipe,
    dataset: Dataset,
    split: str,
    rows: np.ndarray,
    batch_size: int,
    mean: list[float] | None = None,
    features_dir: Path | None = None,
) -> Features:
    """The features of a split's rows: read if they are stored, computed and stored if not.

    Stored features are taken only if they were made of the same rows by the same layers. Computing
    goes on where an earlier call for the same features was stopped.

    Args:
        frozen: the model without its head.
        rows: ascending row numbers, int64 (n,).
        batch_size: images that go through the backbone at a time.
        mean: the pixel that the model subtracts, where it is the data's own: red, green, blue.
        features_dir: where features are stored, if not beside the data.

    Raises:
        UserError: the disk is too small or may not be written, a feature is no number in its
            dtype, or another process computes them.
    """
    stored = dataset.split(split)
    identity = {
        "architecture": architecture.name,
        "backbone": build.fingerprint(frozen.get_layer("backbone")),
        "preprocessing": [recipe.preprocessing, *mean] if mean else recipe.preprocessing,
        "precision": recipe.precision,
        "backend": keras.backend.backend(),
        "data_fingerprint": dataset.fingerprint,
        "split": split,
        "rows": hashlib.sha256(rows.tobytes()).hexdigest(),
        "dtype": recipe.feature_dtype,
    }
    folder = folder_of(features_dir / dataset.name if features_dir else dataset.folder, identity)
    if cluster.from_first(folder.exists):
        log.info("  features of %s: those in %s", split, folder)
    else:
        _compute(folder, identity, frozen, Batches(stored, rows, batch_size, shuffle_seed=None))
    cluster.barrier()  # the others wait until the first has stored them
    return Features(folder, rows, stored.labels)


def _compute(folder: Path, identity: dict, frozen: keras.Model, batches: Batches) -> None:
    """Compute the features of every row on all processes; the first one stores them.

    Raises:
        UserError: as `features` does.
    """
    what, count, shape = f"features of {identity['split']}", len(batches.rows), frozen.output_shape
    with cluster.on_first(
        lambda: feature_writer(folder, identity, batches.batch_size, (count, *shape[1:]))
    ) as writer:
        start = cluster.from_first(lambda: writer.rows if writer else 0)
        with progress(what, count, before=start) as advance:
            for block in _blocks(frozen, batches, identity["dtype"], start, advance):
                if writer:
                    writer.append(block)


def _blocks(
    frozen: keras.Model,
    batches: Batches,
    dtype: str,
    start: int,
    advance: Callable[[int], None],
) -> Iterator[np.ndarray]:
    """Compute the features of the rows from `start` on, a block at a time."""
    for output in predicted(frozen, batches, advance, start):
        with np.errstate(over="ignore"):  # said in words
            block = output.astype(dtype)
        if not np.isfinite(block).all():
            raise NotNumbers(
                f"features are not all numbers in {dtype}; check --weights, or give "
                "--feature-dtype float32"
            )
        yield block
