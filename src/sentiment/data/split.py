"""A split's images and labels on the disk.

A split is a folder of five arrays with one row for each image: `images` (uint8 RGB,
side x side x 3), `labels` (int32, index into the data set's class names), `paths` (the image's
path as the source's list writes it), `agreement` (uint8, how many annotators agreed; 0 where
nobody was asked) and `checksums` (uint64, XXH3 of the image's pixels). Where votes for the classes,
or their probabilities, are known, `shares` (float32, one for each class) is the sixth.
"""

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sentiment.base import sha256sums
from sentiment.base.errors import UserError
from sentiment.data import arrays
from sentiment.data.arrays import Appender, Array, Settled
from sentiment.data.collections.collection import Photo
from sentiment.data.image_size import SIDE, SIDES

COLUMNS = {
    "labels": np.int32, "paths": np.str_, "agreement": np.uint8, "checksums": np.uint64,
    "shares": np.float32,
}  # fmt: skip
OPTIONAL = {"shares"}
"""Columns that a split may lack."""


def image_shape(side: int) -> tuple[int, int, int]:
    """Shape of an image's pixels."""
    return side, side, 3


def write_columns(folder: Path, columns: dict[str, list]) -> None:
    """Write some of COLUMNS, by name; arrays that are there are replaced."""
    for name, values in columns.items():
        arrays.write(folder / name, np.array(values, COLUMNS[name]))


def fingerprint(columns: dict[str, list]) -> str:
    """SHA-256 of a split's content, however it is stored.

    Args:
        columns: the columns of COLUMNS that the split has, by name.
    """
    content = hashlib.sha256()
    for name in COLUMNS:
        if name in columns or name not in OPTIONAL:
            content.update(repr((name, columns[name])).encode())
    return content.hexdigest()


class Writer:
    """Writes one split, in the order in which rows are appended.

    Args:
        folder: the split's folder.
        side: width and height of the images.
        expected_rows: about how many rows there will be.
        settled: the settled images of earlier writers of this split.
        rows: the settled images' photos.
    """

    def __init__(
        self,
        folder: Path,
        side: int,
        expected_rows: int,
        settled: Iterable[Settled] = (),
        rows: Iterable[Photo] = (),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._images = Appender(
            folder / "images", image_shape(side), np.uint8, expected_rows, settled
        )
        self._rows = list(rows)
        self.settle = self._images.settle

    @property
    def rows(self) -> int:
        """How many images have been written, in whole chunks."""
        return self._images.rows

    def append(self, image: np.ndarray, photo: Photo) -> None:
        """Write an image, uint8 (side, side, 3), and what is known of it."""
        self._images.append(image)
        self._rows.append(photo)

    def close(self) -> tuple[str, dict[str, str]]:
        """Write what is left.

        Returns:
            The split's fingerprint, and SHA-256 of its files by name, such as
            `train/images/data/__0.blp`.
        """
        columns = columns_of(self._rows) | {"checksums": self._images.checksums}
        chunks, split = self._images.close(), self.folder.name
        write_columns(self.folder, columns)
        sums = {f"{split}/images/{name}": digest for name, digest in chunks.items()}
        return fingerprint(columns), sums | sha256sums.of_others(self.folder.parent, sums, split)


def columns_of(photos: Iterable[Photo]) -> dict[str, list]:
    """The columns of a split's photos, but for the checksums of their images."""
    photos = list(photos)
    columns: dict[str, list] = {
        "labels": [photo.label for photo in photos],
        "paths": [photo.path for photo in photos],
        "agreement": [photo.agreement for photo in photos],
    }
    shares = [list(photo.shares) for photo in photos]
    return columns | {"shares": shares} if any(shares) else columns


class Split:
    """A written split, read only.

    Args:
        sums: checksums of the files of the data set's folder.
        name: the split's folder in it.

    Raises:
        UserError: an array is missing, damaged or not of the kind that this file describes.
    """

    def __init__(self, sums: sha256sums.Sums, name: str):
        self._sums, self._name = sums, name
        self.images = Array(sums, f"{name}/images", np.uint8, self.checksums)
        """RGB, uint8, shape (n, side, side, 3)."""
        self.shape, self.dtype, self.copy = self.images.shape, self.images.dtype, self.images.copy
        expected = (len(self), *image_shape(self.shape[1] if len(self.shape) > 1 else SIDE))
        if self.shape != expected or self.side not in SIDES:
            raise UserError(
                f"{self.images.folder}: shape {self.shape}; expected {expected}; {sums.remedy}"
            )

    def __len__(self) -> int:
        return len(self.checksums)

    @property
    def side(self) -> int:
        """Width and height of the images, in pixels."""
        return self.shape[1]

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """Index of each image's class, int32, shape (n,)."""
        return self._column("labels")

    @functools.cached_property
    def paths(self) -> np.ndarray:
        """Path of each photo in its source, Unicode, shape (n,)."""
        return self._column("paths")

    @functools.cached_property
    def agreement(self) -> np.ndarray:
        """How many annotators agreed on each label, uint8, shape (n,)."""
        return self._column("agreement")

    @functools.cached_property
    def shares(self) -> np.ndarray | None:
        """Share of the votes for each class, or its probability, float32, shape (n, classes).

        None if they are not known.
        """
        there = any(file.startswith(f"{self._name}/shares/") for file in self._sums.listed)
        return self._column("shares") if there else None

    @property
    def columns(self) -> dict[str, list]:
        """The columns of COLUMNS that there are, by name."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return {name: column.tolist() for name, column in columns.items() if column is not None}

    @functools.cached_property
    def checksums(self) -> np.ndarray:
        """XXH3 of each image's pixels, uint64, shape (n,)."""
        return self._column("checksums")

    def _column(self, name: str) -> np.ndarray:
        return Array(self._sums, f"{self._name}/{name}", COLUMNS[name])[:]
