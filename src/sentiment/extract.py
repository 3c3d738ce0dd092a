"""Compute bottleneck features: one pass of a split's images through the frozen backbone."""

import hashlib
import logging
import math
import shutil
import time
from pathlib import Path

import keras
import numpy as np

from sentiment import files, model, provenance, store
from sentiment.batches import Batches, predict
from sentiment.dataset import Dataset
from sentiment.errors import UserError
from sentiment.feature_store import MANIFEST, Features, folder_of
from sentiment.progress import progress
from sentiment.recipe import Architecture, Recipe

log = logging.getLogger(__name__)

BLOCK_BYTES = 2**28
"""Features held in memory at a time, and written together."""


def features(
    network: keras.Model,
    architecture: Architecture,
    recipe: Recipe,
    dataset: Dataset,
    split: str,
    rows: np.ndarray,
    batch_size: int,
) -> Features:
    """The features of a split's rows: those stored for this very case, or else computed now.

    Args:
        network: the whole model with its frozen backbone.
        rows: ascending row numbers, int64.
        batch_size: images that go through the backbone at a time.

    Raises:
        UserError: the disk is too small, or a feature is no number in its dtype.
    """
    stored = dataset.split(split)
    identity = {
        "architecture": architecture.name,
        "backbone": model.fingerprint(network.get_layer("backbone")),
        "preprocessing": recipe.preprocessing,
        "precision": recipe.precision,
        "backend": keras.backend.backend(),
        "data_fingerprint": dataset.fingerprint,
        "split": split,
        "rows": hashlib.sha256(rows).hexdigest(),
        "dtype": recipe.feature_dtype,
    }
    folder = folder_of(dataset, identity)
    if folder.exists():
        log.info("  features of %s: those in %s", split, folder)
    else:
        backbone = model.without_head(network)
        _announce(folder, split, len(rows), backbone.output_shape[1:], recipe.feature_dtype)
        with files.whole_folder(folder) as temporary:
            started = time.perf_counter()
            batches = Batches(stored, rows, batch_size, shuffle_seed=None)
            _write(temporary / "values", backbone, batches, recipe.feature_dtype, split)
            made = {
                "seconds": round(time.perf_counter() - started, 3),
                "created": provenance.now(),
                "versions": provenance.versions(),
            }
            files.write_json(temporary / MANIFEST, identity | made)
    return Features(folder, rows, stored.labels)


def _announce(folder: Path, split: str, count: int, shape: tuple[int, ...], dtype: str) -> None:
    """Say what will be written, if there is room for it."""
    size = count * math.prod(shape) * np.dtype(dtype).itemsize
    log.info("  features of %s: %.1f MB into %s", split, size / 1e6, folder)
    free = shutil.disk_usage(folder.parents[1]).free
    if free < size:
        raise UserError(
            f"{folder.parents[1]}: {free / 1e9:.1f} GB free, the features of {split} need "
            f"{size / 1e9:.1f}; make room (python scripts/features.py list), halve it with "
            "--feature-dtype float16, or do without with --no-feature-cache"
        )


def _write(folder: Path, backbone: keras.Model, batches: Batches, dtype: str, split: str) -> None:
    """Compute and store the features of every row, a block at a time."""
    shape = backbone.output_shape[1:]
    values = store.create(folder, shape, np.dtype(dtype), len(batches.rows))
    batch_bytes = batches.batch_size * math.prod(shape) * np.dtype(dtype).itemsize
    block = max(1, BLOCK_BYTES // batch_bytes) * batches.batch_size
    with progress(f"features of {split}", len(batches.rows)) as advance:
        for start in range(0, len(batches.rows), block):
            rows = batches.rows[start : start + block]
            part = Batches(batches.stored, rows, batches.batch_size, shuffle_seed=None)
            with np.errstate(over="ignore"):  # said in words
                computed = predict(backbone, part, advance).astype(dtype)
            if not np.isfinite(computed).all():
                raise UserError(
                    f"the features of {split} are not all numbers in {dtype}; check --weights, "
                    "or give --feature-dtype float32"
                )
            values.append(computed)
    values.flush()
