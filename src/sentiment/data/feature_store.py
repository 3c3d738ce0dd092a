"""Bottleneck features on the disk: the outputs of FT-F's frozen backbone for each image.

They lie under `data/NAME/features/`, or in another folder than `data/` that a person names, in a
folder for each network and split, whose name ends in a key of all that the features depend on: a
run that differs in anything computes its own.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from sentiment.base import project, sha256sums
from sentiment.base.errors import UserError

FOLDER, MANIFEST = "features", "manifest.json"


def folder_of(data_folder: Path, identity: dict[str, object]) -> Path:
    """The folder of the features of this identity.

    Args:
        data_folder: the data set's folder, or the one in its place for features.
        identity: all that the features depend on; it has the keys architecture and split.
    """
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    return data_folder / FOLDER / f"{identity['architecture']}_{identity['split']}_{key}"


class Features:
    """The stored features of some rows of a split, read only: what `Batches` takes.

    Args:
        folder: the folder of the features.
        rows: ascending row numbers of the images that the features were computed from, int64,
            shape (m,).
        labels: class of each of the split's rows, int32, shape (n,).

    Raises:
        UserError: the features are damaged.
    """

    def __init__(self, folder: Path, rows: np.ndarray, labels: np.ndarray):
        from sentiment.data.arrays import Array  # bcolz, which --help does without

        place = folder.parents[2]
        where = f" --data-dir {place}" if place != project.DATA_DIR else ""
        remedy = f"remove it with python scripts/features.py clear{where}"
        self.rows, self.labels = rows, labels
        sums = sha256sums.read(folder, remedy)
        checksums = Array(sums, "checksums", np.uint64)[:]
        self.array = Array(sums, "values", np.floating, checksums)
        self.shape, self.dtype = self.array.shape, self.array.dtype
        self.manifest = json.loads(sums.checked(MANIFEST))
        self.seconds = float(self.manifest["seconds"])
        """Duration of their computation."""
        if self.shape[0] != len(rows):
            raise UserError(f"{folder}: {self.shape[0]} rows, expected {len(rows)}; {remedy}")

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        """Copy features, given by ascending row numbers of the split, to their places."""
        self.array.copy(np.searchsorted(self.rows, rows), places)
