"""Compute bottleneck features: one pass of a split's images through the frozen backbone."""

import hashlib
import logging
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from sentiment.base import files, journal, provenance, sha256sums
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.data import arrays
from sentiment.data.dataset import Dataset
from sentiment.data.feature_store import MANIFEST, Features, folder_of
from sentiment.engine import cluster
from sentiment.engine.batches import Batches, predict
from sentiment.model import build
from sentiment.model.recipe import Architecture, Recipe

log = logging.getLogger(__name__)


def features(
    frozen: keras.Model,
    architecture: Architecture,
    recipe: Recipe,
    dataset: Dataset,
    split: str,
    rows: np.ndarray,
    batch_size: int,
    mean: list[float] | None = None,
) -> Features:
    """The features of a split's rows: those stored for this very case, or else computed now.

    Computing goes on where an earlier call for this very case was stopped.

    Args:
        frozen: the model without its head.
        rows: ascending row numbers, int64.
        batch_size: images that go through the backbone at a time.
        mean: the pixel that the model subtracts, where it is the data's own.

    Raises:
        UserError: the disk is too small, a feature is no number in its dtype, or another
            process computes them.
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
        "rows": hashlib.sha256(rows).hexdigest(),
        "dtype": recipe.feature_dtype,
    }
    folder = folder_of(dataset, identity)
    batches = Batches(stored, rows, batch_size, shuffle_seed=None)
    if cluster.told(cluster.first() and folder.exists()):
        log.info("  features of %s: those in %s", split, folder)
    elif cluster.first():
        _announce(folder, split, len(rows), frozen.output_shape[1:], recipe.feature_dtype)
        with files.locked(folder):
            _compute(folder, identity, frozen, batches)
    else:
        with progress(f"features of {split}", len(rows)) as advance:
            for _ in _blocks(frozen, batches, recipe.feature_dtype, cluster.told(0), advance):
                pass  # the first process has them too, and writes them
    cluster.wait()
    return Features(folder, rows, stored.labels)


def _announce(folder: Path, split: str, count: int, shape: tuple[int, ...], dtype: str) -> None:
    """Say what will be written, if there is room for it."""
    size = count * math.prod(shape) * np.dtype(dtype).itemsize
    log.info("  features of %s: %.1f MB into %s", split, size / 1e6, folder)
    left = size - files.size(files.partial(folder))
    remedy = (
        "make room (python scripts/features.py list), halve it with --feature-dtype float16, or do "
        "without with --no-feature-cache"
    )
    files.check_room(folder.parents[1], left, f"the features of {split}", remedy)


def _compute(folder: Path, identity: dict, frozen: keras.Model, batches: Batches) -> None:
    """Compute and store the features of every row, a block at a time."""
    plan = identity | {"batch_size": batches.batch_size, **provenance.versions()}
    split, dtype, rows = identity["split"], identity["dtype"], batches.rows

    def anew(difference: str) -> None:
        log.info("  starts anew: unfinished features are there with %s", difference)

    with journal.folder(folder, plan, anew) as (temporary, done):
        settled = [arrays.Settled(block["checksums"], block["sha256"]) for block in done.blocks]
        values = arrays.Appender(
            temporary / "values", frozen.output_shape[1:], np.dtype(dtype), len(rows), settled
        )
        if values.rows:
            log.info("  goes on after %s of %s images", f"{values.rows:,}", f"{len(rows):,}")
        reached = cluster.told(values.rows)
        with progress(f"features of {split}", len(rows), before=reached) as advance:
            try:
                for computed in _blocks(frozen, batches, dtype, reached, advance):
                    for row in computed:
                        values.append(row)
                    reached += len(computed)
                    if done.due and reached < len(rows):
                        done.add(values.settle()._asdict())
            except _NoNumbers:
                shutil.rmtree(temporary)  # nothing to go on with
                raise
        sums = {f"values/{name}": digest for name, digest in values.close().items()}
        arrays.write(temporary / "checksums", np.array(values.checksums, np.uint64))
        made = {
            "seconds": round(done.seconds, 3),
            "created": provenance.now(),
            "versions": provenance.versions(),
        }
        files.write_json(temporary / MANIFEST, identity | made)
        sha256sums.write(temporary, sums | sha256sums.of_others(temporary, sums))


class _NoNumbers(UserError):
    """What was computed."""


def _blocks(
    frozen: keras.Model,
    batches: Batches,
    dtype: str,
    start: int,
    advance: Callable[[int], None],
) -> Iterator[np.ndarray]:
    """Compute the features of the rows from `start` on, a block at a time."""
    for found in predict(frozen, batches, advance, start):
        with np.errstate(over="ignore"):  # said in words
            computed = found.astype(dtype)
        if not np.isfinite(computed).all():
            raise _NoNumbers(
                f"features are not all numbers in {dtype}; check --weights, or give "
                "--feature-dtype float32"
            )
        yield computed
