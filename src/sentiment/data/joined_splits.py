"""Several splits, or their features, as one from which batches are made."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sentiment.data.arrays import CHUNK


class Stored(Protocol):
    """What batches are made of: a split's images, or the features computed from them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    @property
    def dtype(self) -> np.dtype: ...

    @property
    def labels(self) -> np.ndarray:
        """int32, of the split's rows."""

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        """Copy what is stored for ascending rows of the split to its places, an array a row."""


class Joined:
    """Each part's rows begin at a chunk of their own, so that reading by chunks stays right.

    Args:
        parts: of rows of one shape and dtype.
        rows: of each part, ascending row numbers of its split, int64.
    """

    def __init__(self, parts: Sequence[Stored], rows: Sequence[np.ndarray]):
        self._parts = parts
        sizes = [-(-len(part.labels) // CHUNK) * CHUNK for part in parts]
        self._first = np.cumsum([0, *sizes])
        """Row of each part's first."""
        self.shape = (int(self._first[-1]), *parts[0].shape[1:])
        self.dtype = parts[0].dtype
        self.labels = np.full(self.shape[0], -1, np.int32)
        """int32, -1 for the rows between a part's last and the next one's first."""
        for first, part in zip(self._first, parts, strict=False):
            self.labels[first : first + len(part.labels)] = part.labels
        self.rows = np.concatenate([of + f for of, f in zip(rows, self._first, strict=False)])
        """Those asked for, numbered through; int64."""

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        """Copy what is stored for ascending rows to its places, an array a row."""
        ends = np.searchsorted(rows, self._first).tolist()
        for part, first, start, stop in zip(self._parts, self._first, ends, ends[1:], strict=False):
            if start < stop:
                part.copy(rows[start:stop] - first, places[start:stop])
