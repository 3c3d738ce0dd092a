"""Which photos of a collection a data set stores, in which order, and what of each.

Preparation, verification and repair agree on it here.
"""

import numpy as np

from sentiment.data.sources import Photo, Source

MIXED = ("train", "validation")
"""Splits stored in random order, so that no chunk holds one class alone; test keeps its list's."""


def in_stored_order(source: Source, seed: int) -> dict[str, list[Photo]]:
    """Every split's photos as they are stored, those that cannot be decoded included."""
    splits = {}
    for split, photos in source.splits.items():
        order = range(len(photos))
        if split in MIXED:
            order = np.random.default_rng(seed).permutation(len(photos))
        splits[split] = [photos[row] for row in order]
    return splits


def photos_stored(manifest: dict, in_order: dict[str, list[Photo]]) -> dict[str, list[Photo]]:
    """Those of a source's photos, in stored order, that its manifest does not list as skipped."""
    skipped = {
        split: {bad["path"] for bad in of["skipped"]} for split, of in manifest["splits"].items()
    }
    return {
        split: [photo for photo in photos if photo.path not in skipped.get(split, ())]
        for split, photos in in_order.items()
    }


def columns(photo: Photo) -> tuple[int, str, int]:
    """What is stored of a photo besides its pixels."""
    return photo.label, photo.path, photo.agreement
