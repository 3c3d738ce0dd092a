"""A split's images and labels on the disk, in bcolz: the only file that imports bcolz.

A split is a folder of four arrays with one row an image: `images` (uint8 RGB,
SIDE x SIDE x 3), `labels` (int32, index into the data set's class names), `paths` (the
image's path in the words of the source's list) and `agreement` (uint8, how many
annotators agreed; 0 where nobody was asked).
"""

import functools
import hashlib
import json
from pathlib import Path

import bcolz
import numpy as np

from sentiment.decode import SIDE
from sentiment.errors import UserError

CHUNK = 16
"""Images a chunk, which is a file: one a chunk would be 368,586 files for B-T4SA."""

IMAGE_SHAPE = (SIDE, SIDE, 3)
COLUMNS = {"labels": np.int32, "paths": np.str_, "agreement": np.uint8}
# Photos hardly compress; lz4 costs least, and shuffling bytes of uint8 does nothing.
COMPRESSION = bcolz.cparams(clevel=1, shuffle=bcolz.NOSHUFFLE, cname="lz4")

DAMAGED = (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError)
"""What bcolz raises for files that are missing, cut or changed."""


class Writer:
    """Writes one split, in the order the rows are given."""

    def __init__(self, folder: Path, expected_rows: int):
        folder.mkdir(parents=True)
        self.folder = folder
        self._images = bcolz.carray(
            np.empty((0, *IMAGE_SHAPE), np.uint8),
            rootdir=str(folder / "images"),
            chunklen=CHUNK,
            expectedlen=expected_rows,
            cparams=COMPRESSION,
        )
        self._columns: dict[str, list] = {name: [] for name in COLUMNS}
        self._hash = hashlib.sha256()

    def append(self, image: np.ndarray, label: int, path: str, agreement: int) -> None:
        self._images.append(np.ascontiguousarray(image))  # bcolz copies it as one block
        self._hash.update(image)
        for name, value in zip(COLUMNS, (label, path, agreement), strict=True):
            self._columns[name].append(value)

    def close(self) -> str:
        """Write what is left and return the split's fingerprint: SHA-256 of all it holds."""
        self._images.flush()
        for name, dtype in COLUMNS.items():
            column = np.array(self._columns[name], dtype)
            bcolz.carray(column, rootdir=str(self.folder / name), cparams=COMPRESSION).flush()
            self._hash.update(repr(self._columns[name]).encode())
        return self._hash.hexdigest()


class Split:
    """A written split, read only.

    Raises:
        UserError: an array is missing, damaged or not of the kind described above.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._images = self._open("images", np.uint8)
        if self._images.shape != (len(self), *IMAGE_SHAPE):
            raise UserError(
                f"{folder}: images of shape {self._images.shape}; expected "
                f"{(len(self), *IMAGE_SHAPE)}: prepare the data again"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """int32, shape (n,)."""
        return self._open("labels", np.int32)[:]

    @functools.cached_property
    def paths(self) -> np.ndarray:
        """Unicode, shape (n,)."""
        return self._open("paths", np.str_)[:]

    @functools.cached_property
    def agreement(self) -> np.ndarray:
        """uint8, shape (n,)."""
        return self._open("agreement", np.uint8)[:]

    def images(self, start: int, stop: int) -> np.ndarray:
        """uint8, shape (stop - start, SIDE, SIDE, 3); fastest from chunk to chunk."""
        try:
            return self._images[start:stop]
        except DAMAGED as error:
            raise UserError(
                f"{self.folder / 'images'}: rows {start} to {stop - 1} are damaged ({error}); "
                "prepare the data again"
            ) from None

    def _open(self, name: str, kind: type) -> bcolz.carray:
        folder = self.folder / name
        try:
            # Looked at before it is opened: an array of objects, which bcolz.open() would
            # also find inside a table, would be unpickled.
            dtype = np.dtype(json.loads((folder / "meta" / "storage").read_bytes())["dtype"])
            if not np.issubdtype(dtype.base, kind):
                raise ValueError(f"holds {dtype}, expected {np.dtype(kind).name}")
            return bcolz.carray(rootdir=str(folder), mode="r")
        except DAMAGED as error:
            raise UserError(f"{folder}: damaged ({error}); prepare the data again") from None
