"""Arrays on the disk, in bcolz, each row compared with its checksum when it is read.

The SHA256SUMS of a folder around the arrays lists their files. All stores are read and written
here; besides, only the benchmark of reading imports bcolz, for a layout that no store has.
"""

import errno
import itertools
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import bcolz
import numpy as np
import xxhash
from numpy.typing import DTypeLike

from sentiment.base import files, sha256sums
from sentiment.base.errors import UserError

CHUNK = 16
"""Rows in a chunk, which is a file: chunks of one row would be 368,586 files for B-T4SA."""

RAW = bcolz.cparams(clevel=0, shuffle=bcolz.NOSHUFFLE)
"""Photos hardly compress: lz4 saves a sixth of the disk and takes half the reading's speed."""

bcolz.set_nthreads(1)  # more do not read faster, and the training wants the cores

BLOSCPACK, HEADER, PLAIN = 16, 32, 0x2
"""Bytes of a chunk file's first header; bytes of both its headers, which stand before its rows;
Blosc's flag of rows that are not compressed."""

GONE = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ETIMEDOUT)
"""Errors of reading from a drive that has failed or is no longer reached."""

DAMAGED = (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError)
"""Errors that bcolz raises for files that are missing, cut or changed."""


def checksum(row: np.ndarray) -> int:
    """XXH3 of a row's bytes, 64 bits: takes a hundredth of the time of decoding a photo."""
    return xxhash.xxh3_64_intdigest(row.data)


class Array:
    """A written array, rows first, read only.

    Args:
        sums: checksums of the files of the folder that the array lies in.
        name: the array's folder in that folder, such as `train/images`.
        kind: NumPy's kind of number that the array must hold.
        checksums: checksum of each row, uint64, shape (n,): rows are checked when they are read.
            Without them all files are checked now.

    Raises:
        UserError: the array is missing, damaged or of another kind.
    """

    def __init__(
        self,
        sums: sha256sums.Sums,
        name: str,
        kind: type[np.generic],
        checksums: np.ndarray | None = None,
    ):
        self.folder, self.remedy = sums.folder / name, sums.remedy
        self._checksums = checksums
        storage = sums.checked(f"{name}/meta/storage")
        for file in sums.listed:
            later = checksums is not None and file.startswith(f"{name}/data/")
            if file.startswith(f"{name}/") and not later:
                sums.checked(file)
        # Looked at before it is opened: an array of objects, which bcolz.open() would also find
        # inside a table, would be unpickled.
        where: Path = self.folder
        try:
            dtype = np.dtype(json.loads(storage)["dtype"])
            if not np.issubdtype(dtype.base, kind):
                raise ValueError(f"holds {dtype}, expected {np.dtype(kind).name}")
            if checksums is not None:  # the last chunk, if it is not full, is read on opening
                where = chunk_file(self.folder, len(checksums) // CHUNK)
            self._array = bcolz.carray(rootdir=str(self.folder), mode="r")
        except DAMAGED as error:
            raise UserError(f"{where}: damaged ({error}); {self.remedy}") from None
        if checksums is not None and len(checksums) != len(self._array):
            raise UserError(
                f"{self.folder}: {len(self._array)} rows, {len(checksums)} checksums; {self.remedy}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def dtype(self) -> np.dtype:
        return self._array.dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Read neighbouring rows; fastest from chunk to chunk.

        Raises:
            UserError: a row is not what was written.
        """
        if self._checksums is None:
            return self._rows(rows)
        numbers = np.arange(*rows.indices(self.shape[0]))
        values = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        self.copy(numbers, list(values))
        return values

    def _rows(self, rows: slice) -> np.ndarray:
        try:
            return self._array[rows]
        except DAMAGED as error:
            first, last, _ = rows.indices(self.shape[0])
            raise self._damaged(first, last, error) from None

    def _check(self, start: int, rows: list[np.ndarray]) -> None:
        """Compare neighbouring rows with their checksums, if the array has some."""
        if self._checksums is None:
            return
        read, written = list(map(checksum, rows)), self._checksums[start : start + len(rows)]
        if read != written.tolist():
            wrong = start + np.flatnonzero(np.array(read, np.uint64) != written)
            raise self._damaged(wrong[0], wrong[-1] + 1, "not what was written")

    def _damaged(self, first: int, stop: int, reason: object) -> UserError:
        """The error that says that rows are damaged, and names the first one's file."""
        file = chunk_file(self.folder, first // CHUNK)
        if isinstance(reason, OSError) and reason.errno in GONE:
            return UserError(
                f"{file}: {reason.strerror}; is its drive still there? Once it is, the same "
                "command goes on"
            )
        rows = f"row {first}" if stop == first + 1 else f"rows {first} to {stop - 1}"
        return UserError(f"{file}: {rows}: damaged ({reason}); {self.remedy}")

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        """Copy rows to their places.

        Args:
            rows: ascending row numbers, int64, shape (n,).
            places: n arrays of a row's shape and dtype, which are written over.

        Raises:
            UserError: a row is not what was written.
        """
        numbers = (
            rows.tolist()
        )  # few: NumPy's calls take longer, and no other thread runs meanwhile
        cuts = [
            i for i, (row, next_row) in enumerate(itertools.pairwise(numbers), 1)
            if next_row != row + 1 or next_row % CHUNK == 0
        ]  # fmt: skip
        for first, last in itertools.pairwise([0, *cuts, len(rows)]):
            start, run = numbers[first], places[first:last]
            if not self._read_plain(start, run):
                stored = self._rows(slice(start, start + len(run)))
                for values, place in zip(stored, run, strict=True):
                    place[...] = values
            self._check(start, run)

    def _read_plain(self, start: int, places: list[np.ndarray]) -> bool:
        """Read neighbouring rows of one chunk straight into their places; return whether it did.

        It does so for chunks that are not compressed, whose rows bcolz would copy twice more.
        A chunk's file is 16 bytes of bloscpack's header, 16 of Blosc's (byte 2 holds the flags,
        bytes 4 to 8 the size), and the rows (bcolz' documentation, persistence.rst).
        """
        if not hasattr(os, "preadv"):
            return False
        chunk, row = divmod(start, CHUNK)
        row_bytes = places[0].nbytes
        try:
            file = os.open(f"{self.folder}/{chunk_name(chunk)}", os.O_RDONLY)
            try:
                header = os.pread(file, HEADER, 0)
                size = int.from_bytes(header[20:24], "little")
                end = (row + len(places)) * row_bytes
                if header[:4] != b"blpk" or not header[18] & PLAIN or size < end:
                    return False
                buffers = [place.data for place in places]
                read = os.preadv(file, buffers, HEADER + row * row_bytes)
            finally:
                os.close(file)
        except (OSError, IndexError):
            return False  # bcolz tells what is wrong
        if read < len(places) * row_bytes:
            raise self._damaged(start, start + len(places), "their file ends early")
        return True


def create(
    folder: Path, row_shape: tuple[int, ...], dtype: DTypeLike, expected_rows: int
) -> bcolz.carray:
    """Make an empty array to append rows to; an array that is there is replaced."""
    empty = np.empty((0, *row_shape), dtype)
    return bcolz.carray(
        empty, rootdir=str(folder), mode="w", chunklen=CHUNK, expectedlen=expected_rows, cparams=RAW
    )


class Settled(NamedTuple):
    """Rows that have reached the disk since the last call of `settle`, in whole chunks."""

    checksums: list[int]
    """Checksum of each row."""
    sha256: list[str]
    """SHA-256 of each chunk's file, in order."""


class Appender:
    """Writes an array, in whole chunks.

    Args:
        folder: the array's folder, from which everything but the settled rows is removed.
        row_shape: shape of a row.
        dtype: dtype of the array.
        expected_rows: about how many rows there will be.
        settled: the settled rows of earlier appenders of this array.
    """

    def __init__(
        self,
        folder: Path,
        row_shape: tuple[int, ...],
        dtype: DTypeLike,
        expected_rows: int,
        settled: Iterable[Settled] = (),
    ):
        self.folder = folder
        parts = list(settled)
        self.checksums = [value for part in parts for value in part.checksums]
        """Checksum of each row written."""
        self._sha256 = [value for part in parts for value in part.sha256]
        self._rest, self._waiting = np.empty((CHUNK, *row_shape), dtype), 0
        if self._sha256:
            self._cut(len(self._sha256))
            self._array = bcolz.carray(rootdir=str(folder), mode="a")
        else:
            self._array = create(folder, row_shape, dtype, expected_rows)

    @property
    def rows(self) -> int:
        """How many rows have been written; fewer than a chunk may wait in memory besides."""
        return len(self.checksums)

    def append(self, row: np.ndarray) -> None:
        """Take a row, and write all that wait once they fill a chunk."""
        self._rest[self._waiting] = row
        self._waiting += 1
        if self._waiting == CHUNK:
            self._write()

    def settle(self) -> Settled:
        """Make the written rows reach the disk; rows that wait in memory are left out."""
        first = len(self._sha256)
        new = [chunk_file(self.folder, i) for i in range(first, -(-self.rows // CHUNK))]
        sha256 = sha256sums.of_all(new)
        os.sync()  # one call for 64 files and more, and their folders
        self._sha256 += sha256
        return Settled(self.checksums[first * CHUNK :], sha256)

    def close(self) -> dict[str, str]:
        """Write the rows that wait; return each chunk file's SHA-256 by its name in the folder."""
        if self._waiting:
            self._write()
        self._array.flush()
        self.settle()
        return {chunk_name(i): digest for i, digest in enumerate(self._sha256)}

    def _write(self) -> None:
        rows = self._rest[: self._waiting]
        self._array.append(rows)
        self.checksums += map(checksum, rows)
        self._waiting = 0

    def _cut(self, chunks: int) -> None:
        """Keep the first `chunks` chunks, and remove what a kill has left behind them."""
        kept = {chunk_file(self.folder, i) for i in range(chunks)}
        for file in set((self.folder / "data").iterdir()) - kept:
            file.unlink()
        taken = sum(file.stat().st_size for file in kept)
        with files.whole_file(self.folder / "meta" / "sizes") as temporary:
            temporary.write_text(sizes(self._rest, self.rows, taken))


def chunk_name(chunk: int) -> str:
    """Name of a chunk's file in its array's folder."""
    return f"data/__{chunk}.blp"


def chunk_file(folder: Path, chunk: int) -> Path:
    """File of a chunk, `folder` being its array's."""
    return folder / chunk_name(chunk)


def sizes(rows: np.ndarray, count: int, file_bytes: int) -> str:
    """The text of bcolz' file meta/sizes, which bcolz itself does not write atomically.

    Args:
        rows: some rows of the array.
        count: how many rows the array has.
        file_bytes: size of the files of all full chunks together.
    """
    # bcolz counts the memory of a chunk that is being filled.
    taken = CHUNK * rows[0].nbytes + file_bytes - count // CHUNK * BLOSCPACK
    shape = [count, *rows.shape[1:]]
    return json.dumps({"shape": shape, "nbytes": count * rows[0].nbytes, "cbytes": taken}) + "\n"


def write_chunk(folder: Path, rows: list[np.ndarray]) -> Path:
    """Write an array of a single chunk and return the chunk's file; an older array is replaced."""
    array = create(folder, rows[0].shape, rows[0].dtype, CHUNK)
    array.append(np.stack(rows))
    array.flush()
    return chunk_file(folder, 0)


def write(folder: Path, values: np.ndarray) -> None:
    """Write a whole array; an array that is there is replaced."""
    bcolz.carray(values, rootdir=str(folder), mode="w", cparams=RAW).flush()
