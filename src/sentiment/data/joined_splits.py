"""Several splits, or their features, as one from which batches are made."""

import copy
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sentiment.data.arrays import CHUNK


class Stored(Protocol):
    """Rows to make batches of: a split's images, or the features computed from them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all rows together, rows first."""

    @property
    def dtype(self) -> np.dtype:
        """dtype of every row."""

    @property
    def labels(self) -> np.ndarray:
        """Class of each row of the split, int32, shape (n,)."""

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        """Copy rows of the split, given by ascending numbers, to their places, an array a row."""


class Joined:
    """Several parts numbered through as one.

    Each part's rows begin at a chunk of their own, so that reading by chunks stays right.

    Args:
        parts: splits or features whose rows have one shape and dtype.
        rows: for each part, the ascending row numbers of its split to take, int64.
        learned: for each part, what is to be learned of each row of its split where that is not
            its label: another class, int32 (n,), or shares of all classes, float32 (n, classes).
    """

    def __init__(
        self,
        parts: Sequence[Stored],
        rows: Sequence[np.ndarray],
        learned: Sequence[np.ndarray] | None = None,
    ):
        self._parts = parts
        learned = learned or [part.labels for part in parts]
        sizes = [-(-len(part.labels) // CHUNK) * CHUNK for part in parts]
        self._first = np.cumsum([0, *sizes])
        """Row number of each part's first row, then the number of all rows."""
        self.shape = (int(self._first[-1]), *parts[0].shape[1:])
        self.dtype = parts[0].dtype
        said = np.full((self.shape[0], *learned[0].shape[1:]), -1, learned[0].dtype)
        for first, of_part in zip(self._first, learned, strict=False):
            said[first : first + len(of_part)] = of_part
        self.shares = said if said.ndim == 2 else None
        """Shares to learn of each row, float32 (rows, classes); None where classes are learned."""
        self.labels = said if said.ndim == 1 else said.argmax(axis=1).astype(np.int32)
        """Class of each row, int32, or the one with its largest share. Rows between a part's last
        and the next one's first have none."""
        self.rows = np.concatenate(
            [of_part + first for of_part, first in zip(rows, self._first, strict=False)]
        )
        """The rows to take, numbered through, int64."""

    def only(self, rows: np.ndarray) -> "Joined":
        """The same with some of the rows to take, given by ascending numbers, int64."""
        fewer = copy.copy(self)
        fewer.rows = rows
        return fewer

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        """Copy rows, given by ascending numbers, to their places, an array a row."""
        ends = np.searchsorted(rows, self._first).tolist()
        for part, first, start, stop in zip(self._parts, self._first, ends, ends[1:], strict=False):
            if start < stop:
                part.copy(rows[start:stop] - first, places[start:stop])
