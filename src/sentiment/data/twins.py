"""Photos that are twins of others: the splits that their twins are in, and their labels."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Twins(NamedTuple):
    """The twins of each of n photos."""

    counts: np.ndarray
    """How many other photos of each split are twins of a photo, int64, shape (n, splits)."""
    contradicted: np.ndarray
    """Whether a photo has a twin with another label, bool, shape (n,)."""
    group: np.ndarray
    """Number of a photo's group; twins, and twins of twins, share it; int64, shape (n,)."""

    @property
    def any(self) -> np.ndarray:
        """Whether a photo has a twin at all, bool, shape (n,)."""
        return self.counts.sum(axis=1) > 0


def find_twins(
    values: np.ndarray,
    splits: np.ndarray,
    labels: np.ndarray,
    split_count: int,
    close: Iterable[tuple[np.ndarray, np.ndarray]] = (),
) -> Twins:
    """Find the twins of every photo; memory grows with the number of photos, not of pairs.

    Args:
        values: photos with the same value are twins, int64 from 0, shape (n,).
        splits: split of each photo, from 0 to `split_count` - 1, (n,).
        labels: class of each photo, int64, (n,).
        split_count: how many splits there are.
        close: pairs of values whose photos are twins too, each pair once, in blocks of two
            arrays, int64, (m,).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = values.max(initial=-1) + 1
    own = np.zeros((size, split_count), np.int64)
    np.add.at(own, (values, splits), 1)
    own_least, own_most = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(own_least, values, labels)
    np.maximum.at(own_most, values, labels)
    counts, least, most, group = own.copy(), own_least.copy(), own_most.copy(), np.arange(size)
    for first, second in close:
        for here, there in ((first, second), (second, first)):
            np.add.at(counts, here, own[there])
            np.minimum.at(least, here, own_least[there])
            np.maximum.at(most, here, own_most[there])
        edges = np.concatenate([group, first]), np.concatenate([np.arange(size), second])
        graph = coo_array((np.ones(len(edges[0]), bool), edges), shape=(size, size))
        _, component = connected_components(graph, directed=False)
        group = np.unique(component, return_index=True)[1][component]  # the group's first value
    counts = counts[values]
    counts[np.arange(len(values)), splits] -= 1  # a photo is no twin of itself
    contradicted = (least[values] != labels) | (most[values] != labels)
    return Twins(counts, contradicted, group[values])
