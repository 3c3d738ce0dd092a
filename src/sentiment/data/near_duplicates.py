"""Photos of a collection that are nearly the same: they belong on one side of a split."""

from typing import TYPE_CHECKING

import numpy as np

from sentiment.data.hamming import close_pairs
from sentiment.data.twins import find_twins

if TYPE_CHECKING:
    import pandas as pd

MAX_DISTANCE = 4
"""Bits, of 64, in which the perceptual hashes of near duplicates differ at most."""


def groups(photos: "pd.DataFrame") -> list[list[str]]:
    """Find photos that are near duplicates of each other, or of such ones.

    Args:
        photos: a table that `photo_table.complete` has made.

    Returns:
        Paths of the photos of each group of two or more, in the table's order.
    """
    good = photos[photos["phash"].notna()]
    hashes = np.array([int(text, 16) for text in good["phash"]], np.uint64)
    hashes, values = np.unique(hashes, return_inverse=True)
    same = np.zeros(len(values), np.int64)
    group = find_twins(values, same, same, 1, close_pairs(hashes, MAX_DISTANCE)).group
    by_group: dict[int, list[str]] = {}
    for number, path in zip(group.tolist(), good["path"], strict=True):
        by_group.setdefault(number, []).append(path)
    return [paths for paths in by_group.values() if len(paths) > 1]
