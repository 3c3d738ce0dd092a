"""The photos that a data set stores of a collection, and their order.

Preparation, verification and repair share these rules.
"""

import numpy as np

from sentiment.data.collections.collection import Photo, Source

MIXED = ("train", "validation")
"""Splits stored in random order, so that no chunk holds one class alone; the test split keeps the
order of its list."""


def in_stored_order(source: Source, seed: int) -> dict[str, list[Photo]]:
    """Every split's photos as they are stored, those that cannot be decoded included."""
    splits = {}
    for split, photos in source.splits.items():
        order = np.arange(len(photos))
        if split in MIXED:
            order = np.random.default_rng(seed).permutation(len(photos))
        splits[split] = [photos[row] for row in order]
    return splits


def photos_stored(manifest: dict, in_order: dict[str, list[Photo]]) -> dict[str, list[Photo]]:
    """Every split's photos in stored order, without those that the manifest lists as skipped."""
    skipped = {
        split: {bad["path"] for bad in entry["skipped"]}
        for split, entry in manifest["splits"].items()
    }
    return {
        split: [photo for photo in photos if photo.path not in skipped.get(split, ())]
        for split, photos in in_order.items()
    }
