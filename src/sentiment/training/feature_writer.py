"""Writes bottleneck features to the disk, a block at a time, so that a stopped run goes on."""

import contextlib
import logging
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sentiment.base import files, journal, provenance, sha256sums
from sentiment.base.errors import UserError
from sentiment.data import arrays
from sentiment.data.feature_store import MANIFEST

log = logging.getLogger(__name__)


class NotNumbers(UserError):
    """Features that are no numbers; what has been stored before them is of no use either."""


class FeatureWriter:
    """Writes features in the order of their rows, and notes what has reached the disk.

    Args:
        folder: where.
        finished: journal of the blocks that have reached the disk, under an earlier writer too.
        shape: shape of all features, rows first.
        dtype: dtype of the features.
    """

    def __init__(
        self, folder: Path, finished: journal.Journal, shape: tuple[int, ...], dtype: np.dtype
    ):
        self._folder, self._finished, self._expected = folder, finished, shape[0]
        settled = [arrays.Settled(block["checksums"], block["sha256"]) for block in finished.blocks]
        self._values = arrays.Appender(folder / "values", shape[1:], dtype, shape[0], settled)
        self.rows = self._values.rows
        """How many rows have been written."""

    def append(self, block: np.ndarray) -> None:
        """Write the features of the next rows, (b, ...)."""
        for row in block:
            self._values.append(row)
        self.rows += len(block)
        if self._finished.due and self.rows < self._expected:
            self._finished.add(self._values.settle()._asdict())

    def close(self, identity: dict) -> None:
        """Write what is left, the manifest and SHA256SUMS.

        Args:
            identity: all that the features depend on.
        """
        sums = {f"values/{name}": digest for name, digest in self._values.close().items()}
        arrays.write(self._folder / "checksums", np.array(self._values.checksums, np.uint64))
        made = {
            "seconds": round(self._finished.seconds, 3),
            "created": provenance.now(),
            "versions": provenance.versions(),
        }
        files.write_json(self._folder / MANIFEST, identity | made)
        sha256sums.write(self._folder, sums | sha256sums.of_others(self._folder, sums))


@contextlib.contextmanager
def feature_writer(
    folder: Path, identity: dict, batch_size: int, shape: tuple[int, ...]
) -> Iterator[FeatureWriter]:
    """Yield a writer; `folder` is there, whole, when the block ends without an error.

    It goes on where an earlier one was stopped.

    Args:
        identity: all that the features depend on.
        batch_size: images that go through the backbone at a time.
        shape: shape of all features, rows first.

    Raises:
        UserError: the disk is too small, or another process writes these features.
    """
    dtype = np.dtype(identity["dtype"])
    _check_room(folder, identity["split"], math.prod(shape) * dtype.itemsize)
    plan = identity | {"batch_size": batch_size, **provenance.versions()}

    def anew(difference: str) -> None:
        log.info("  starts anew: unfinished features are there with %s", difference)

    with files.locked(folder), journal.folder(folder, plan, anew) as (temporary, finished):
        writer = FeatureWriter(temporary, finished, shape, dtype)
        if writer.rows:
            log.info("  goes on after %s of %s images", f"{writer.rows:,}", f"{shape[0]:,}")
        try:
            yield writer
        except NotNumbers:
            shutil.rmtree(temporary)
            raise
        writer.close(identity)


def _check_room(folder: Path, split: str, size: int) -> None:
    """Say what will be written, if there is room for its `size` in bytes.

    Raises:
        UserError: there is none, or the place may not be written.
    """
    place = next(parent for parent in folder.parents if parent.exists())
    if not os.access(place, os.W_OK):
        raise UserError(
            f"{place}: may not be written, and the features of {split} were to lie there; give "
            "another place with --features-dir DIR, or do without with --no-feature-cache"
        )
    log.info("  features of %s: %.1f MB into %s", split, size / 1e6, folder)
    left = size - files.size(files.partial(folder))
    remedy = (
        "make room (python scripts/features.py list), halve it with --feature-dtype float16, or do "
        "without with --no-feature-cache"
    )
    files.check_room(place, left, f"the features of {split}", remedy)
