"""Arrays on the disk, in bcolz, each row held against its checksum: the only file that imports it.

The SHA256SUMS of a folder around them lists every file.
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

from sentiment.base import files, sha256sums
from sentiment.base.errors import UserError

CHUNK = 16
"""Rows a chunk, which is a file: one a chunk would be 368,586 files for B-T4SA."""

RAW = bcolz.cparams(clevel=0, shuffle=bcolz.NOSHUFFLE)
"""Photos hardly compress: lz4 saves a sixth of the disk and takes half the reading's speed."""

bcolz.set_nthreads(1)  # more do not read faster, and the training wants the cores

BLOSCPACK, HEADER, PLAIN = 16, 32, 0x2
"""Bytes of a chunk file's first header, and of both, before its rows; and Blosc's flag of rows
that are not compressed."""

GONE = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ETIMEDOUT)
"""What reading says when a drive has failed or is no longer reached."""

DAMAGED = (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError)
"""What bcolz raises for files that are missing, cut or changed."""


checksum = xxhash.xxh3_64_intdigest
"""Of a row's bytes, 64 bits: takes a hundredth of decoding a photo."""


class Array:
    """A written array, rows first, read only.

    Args:
        sums: of the folder that it lies in.
        name: its place there, such as `train/images`.
        kind: NumPy's kind of number it must hold.
        checksums: of its rows, uint64, against which each is checked when it is read; without
            them all files are checked now.

    Raises:
        UserError: it is missing, damaged or of another kind.
    """

    def __init__(
        self,
        sums: sha256sums.Sums,
        name: str,
        kind: type,
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
        """Neighbouring rows; fastest from chunk to chunk."""
        if self._checksums is None:
            return self._rows(rows)
        wanted = np.arange(*rows.indices(self.shape[0]))
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        self.copy(wanted, list(found))
        return found

    def _rows(self, rows: slice) -> np.ndarray:
        try:
            return self._array[rows]
        except DAMAGED as error:
            first, last, _ = rows.indices(self.shape[0])
            raise self._damaged(first, last, error) from None

    def _check(self, start: int, rows: list[np.ndarray]) -> None:
        """Hold neighbouring rows against their checksums."""
        found, written = list(map(checksum, rows)), self._checksums[start : start + len(rows)]
        if found != written.tolist():
            wrong = start + np.flatnonzero(np.array(found, np.uint64) != written)
            raise self._damaged(wrong[0], wrong[-1] + 1, "not what was written")

    def _damaged(self, first: int, stop: int, reason: object) -> UserError:
        """Say that rows are damaged, and name the file of the first."""
        file = chunk_file(self.folder, first // CHUNK)
        if isinstance(reason, OSError) and reason.errno in GONE:
            return UserError(
                f"{file}: {reason.strerror}; is its drive still there? Once it is, the same "
                "command goes on"
            )
        rows = f"row {first}" if stop == first + 1 else f"rows {first} to {stop - 1}"
        return UserError(f"{file}: {rows}: damaged ({reason}); {self.remedy}")

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        """Copy ascending rows to where they belong, one array a row.

        Raises:
            UserError: a row is not what was written.
        """
        numbers = rows.tolist()  # few: NumPy takes longer to start, while no other thread runs
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
            if self._checksums is not None:
                self._check(start, run)

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
            file = os.open(f"{self.folder}/{chunk_name(chunk)}", os.O_RDONLY)
            try:
                header = os.pread(file, HEADER, 0)
                size = int.from_bytes(header[20:24], "little")
                end = (row + len(places)) * row_bytes
                if header[:4] != b"blpk" or not header[18] & PLAIN or size < end:
                    return False
                read = os.preadv(file, places, HEADER + row * row_bytes)
            finally:
                os.close(file)
        except (OSError, IndexError):
            return False  # bcolz says what is wrong
        if read < len(places) * row_bytes:
            raise self._damaged(start, start + len(places), "their file ends early")
        return True


def create(
    folder: Path, row_shape: tuple[int, ...], dtype: np.dtype, expected_rows: int
) -> bcolz.carray:
    """Make an empty array, in place of one that is there, to append rows to."""
    empty = np.empty((0, *row_shape), dtype)
    return bcolz.carray(
        empty, rootdir=str(folder), mode="w", chunklen=CHUNK, expectedlen=expected_rows, cparams=RAW
    )


class Settled(NamedTuple):
    """Rows that have reached the disk since the last such, in whole chunks."""

    checksums: list[int]
    sha256: list[str]
    """Of each chunk's file, in order."""


class Appender:
    """Writes an array, in whole chunks.

    Args:
        folder: where; what lies there beyond the settled rows is removed.
        row_shape: of a row.
        expected_rows: about how many there will be.
        settled: what an earlier appender of this array has settled.
    """

    def __init__(
        self,
        folder: Path,
        row_shape: tuple[int, ...],
        dtype: np.dtype,
        expected_rows: int,
        settled: Iterable[Settled] = (),
    ):
        self.folder = folder
        parts = list(settled)
        self.checksums = [value for part in parts for value in part.checksums]
        """Of all rows written."""
        self._sha256 = [value for part in parts for value in part.sha256]
        self._rest, self._waiting = np.empty((CHUNK, *row_shape), dtype), 0
        if self._sha256:
            self._cut(len(self._sha256))
            self._array = bcolz.carray(rootdir=str(folder), mode="a")
        else:
            self._array = create(folder, row_shape, dtype, expected_rows)

    @property
    def rows(self) -> int:
        """How many have been written; fewer than a chunk may wait besides."""
        return len(self.checksums)

    def append(self, row: np.ndarray) -> None:
        self._rest[self._waiting] = row
        self._waiting += 1
        if self._waiting == CHUNK:
            self._write()

    def settle(self) -> Settled:
        """Make what has been written reach the disk; the rows that wait do not count."""
        first = len(self._sha256)
        new = [chunk_file(self.folder, i) for i in range(first, -(-self.rows // CHUNK))]
        sha256 = sha256sums.of_all(new)
        os.sync()  # one call for 64 files and more, and their folders
        self._sha256 += sha256
        return Settled(self.checksums[first * CHUNK :], sha256)

    def close(self) -> dict[str, str]:
        """Write what is left; return the SHA-256 of every chunk by its name in the folder."""
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
        """Let the array end with a chunk, whatever a kill has left behind it."""
        kept = {chunk_file(self.folder, i) for i in range(chunks)}
        for file in set((self.folder / "data").iterdir()) - kept:
            file.unlink()
        taken = sum(file.stat().st_size for file in kept)
        with files.whole_file(self.folder / "meta" / "sizes") as temporary:
            temporary.write_text(sizes(self._rest, self.rows, taken))


def chunk_name(chunk: int) -> str:
    """The file of a chunk in its array's folder."""
    return f"data/__{chunk}.blp"


def chunk_file(folder: Path, chunk: int) -> Path:
    """The file of an array's chunk."""
    return folder / chunk_name(chunk)


def sizes(rows: np.ndarray, count: int, file_bytes: int) -> str:
    """What bcolz writes into the file meta/sizes, though not whole or not at all.

    Args:
        rows: some rows of the array.
        count: rows of the array.
        file_bytes: of the files of its full chunks.
    """
    # It counts the memory of a chunk that is being filled.
    taken = CHUNK * rows[0].nbytes + file_bytes - count // CHUNK * BLOSCPACK
    shape = [count, *rows.shape[1:]]
    return json.dumps({"shape": shape, "nbytes": count * rows[0].nbytes, "cbytes": taken}) + "\n"


def write_chunk(folder: Path, rows: list[np.ndarray]) -> Path:
    """Write an array of a single chunk, in place of one that is there; return the chunk's file."""
    array = create(folder, rows[0].shape, rows[0].dtype, CHUNK)
    array.append(np.stack(rows))
    array.flush()
    return chunk_file(folder, 0)


def write(folder: Path, values: np.ndarray) -> None:
    """Write a whole array, in place of one that is there."""
    bcolz.carray(values, rootdir=str(folder), mode="w", cparams=RAW).flush()
