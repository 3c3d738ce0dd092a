"""A split's images and labels on the disk, in bcolz: the only file that imports bcolz.

A split is a folder of four arrays with one row an image: `images` (uint8 RGB,
SIDE x SIDE x 3), `labels` (int32, index into the data set's class names), `paths` (the
image's path in the words of the source's list) and `agreement` (uint8, how many
annotators agreed; 0 where nobody was asked).
"""

import functools
import hashlib
import itertools
import json
import os
from pathlib import Path

import bcolz
import numpy as np

from sentiment.decode import SIDE
from sentiment.errors import UserError

CHUNK = 16
"""Rows a chunk, which is a file: one a chunk would be 368,586 files for B-T4SA."""

IMAGE_SHAPE = (SIDE, SIDE, 3)
COLUMNS = {"labels": np.int32, "paths": np.str_, "agreement": np.uint8}

RAW = bcolz.cparams(clevel=0, shuffle=bcolz.NOSHUFFLE)
"""Photos hardly compress: lz4 saves a sixth of the disk and takes half the reading's speed."""

bcolz.set_nthreads(1)  # more do not read faster, and the training wants the cores

HEADER, PLAIN = 32, 0x2
"""Bytes before a chunk's rows in its file, and Blosc's flag of rows that are not compressed."""

DAMAGED = (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError)
"""What bcolz raises for files that are missing, cut or changed."""


def create(folder: Path, row_shape: tuple[int, ...], dtype: np.dtype, rows: int) -> bcolz.carray:
    """Make an empty array to append rows of `row_shape` to, about `rows` of them."""
    empty = np.empty((0, *row_shape), dtype)
    return bcolz.carray(empty, rootdir=str(folder), chunklen=CHUNK, expectedlen=rows, cparams=RAW)


class Array:
    """A written array, rows first, read only.

    Args:
        folder: where it lies.
        kind: NumPy's kind of number it must hold.
        remedy: what to do when it is damaged.

    Raises:
        UserError: it is missing, damaged or of another kind.
    """

    def __init__(self, folder: Path, kind: type, remedy: str = "prepare the data again"):
        self.folder, self.remedy = folder, remedy
        try:
            # Looked at before it is opened: an array of objects, which bcolz.open() would
            # also find inside a table, would be unpickled.
            dtype = np.dtype(json.loads((folder / "meta" / "storage").read_bytes())["dtype"])
            if not np.issubdtype(dtype.base, kind):
                raise ValueError(f"holds {dtype}, expected {np.dtype(kind).name}")
            self._array = bcolz.carray(rootdir=str(folder), mode="r")
        except DAMAGED as error:
            raise UserError(f"{folder}: damaged ({error}); {remedy}") from None

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def dtype(self) -> np.dtype:
        return self._array.dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Neighbouring rows; fastest from chunk to chunk."""
        try:
            return self._array[rows]
        except DAMAGED as error:
            first, last, _ = rows.indices(self.shape[0])
            raise self._damaged(first, last, error) from None

    def _damaged(self, first: int, stop: int, reason: object) -> UserError:
        where = f"{self.folder}: rows {first} to {stop - 1}"
        return UserError(f"{where} are damaged ({reason}); {self.remedy}")

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        """Copy ascending rows to where they belong, one array a row."""
        cuts = np.flatnonzero((np.diff(rows) != 1) | (rows[1:] % CHUNK == 0)) + 1
        for first, last in itertools.pairwise([0, *cuts.tolist(), len(rows)]):
            start, run = int(rows[first]), places[first:last]
            if not self._read_plain(start, run):
                for stored, place in zip(self[start : start + len(run)], run, strict=True):
                    place[...] = stored

    def _read_plain(self, start: int, places: list[np.ndarray]) -> bool:
        """Read neighbouring rows of one chunk straight into place, if it is not compressed.

        bcolz would copy them twice more. Its file is 16 bytes of bloscpack's, 16 of Blosc's
        (byte 2 the flags, bytes 4 to 8 the size), and the rows (bcolz' format, persistence.rst).
        """
        if not hasattr(os, "preadv"):
            return False
        chunk, row = divmod(start, CHUNK)
        row_bytes = places[0].nbytes
        try:
            with (self.folder / "data" / f"__{chunk}.blp").open("rb", buffering=0) as file:
                header = file.read(HEADER)
                size = int.from_bytes(header[20:24], "little")
                end = (row + len(places)) * row_bytes
                if header[:4] != b"blpk" or not header[18] & PLAIN or size < end:
                    return False
                read = os.preadv(file.fileno(), places, HEADER + row * row_bytes)
        except (OSError, IndexError):
            return False  # bcolz says what is wrong
        if read < len(places) * row_bytes:
            raise self._damaged(start, start + len(places), "their file ends early")
        return True


class Writer:
    """Writes one split, in the order the rows are given."""

    def __init__(self, folder: Path, expected_rows: int):
        folder.mkdir(parents=True)
        self.folder = folder
        self._images = create(folder / "images", IMAGE_SHAPE, np.uint8, expected_rows)
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
            bcolz.carray(column, rootdir=str(self.folder / name), cparams=RAW).flush()
            self._hash.update(repr(self._columns[name]).encode())
        return self._hash.hexdigest()


class Split:
    """A written split, read only.

    Raises:
        UserError: an array is missing, damaged or not of the kind described above.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.images = Array(folder / "images", np.uint8)
        """uint8, shape (n, SIDE, SIDE, 3)."""
        self.shape, self.dtype, self.copy = self.images.shape, self.images.dtype, self.images.copy
        if self.images.shape != (len(self), *IMAGE_SHAPE):
            raise UserError(
                f"{folder}: images of shape {self.images.shape}; expected "
                f"{(len(self), *IMAGE_SHAPE)}: prepare the data again"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """int32, shape (n,)."""
        return Array(self.folder / "labels", np.int32)[:]

    @functools.cached_property
    def paths(self) -> np.ndarray:
        """Unicode, shape (n,)."""
        return Array(self.folder / "paths", np.str_)[:]

    @functools.cached_property
    def agreement(self) -> np.ndarray:
        """uint8, shape (n,)."""
        return Array(self.folder / "agreement", np.uint8)[:]
