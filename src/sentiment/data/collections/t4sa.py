"""B-T4SA, the paper's training set, and collections in its form."""

import itertools
from pathlib import Path

import numpy as np

from sentiment.base import files
from sentiment.data.collections import photo_lists, teacher_scores
from sentiment.data.collections.collection import SENTIMENTS, Photo, Source
from sentiment.data.collections.origin import Origin

LISTS = {"train": "train", "validation": "val", "test": "test"}
"""By split, the word in the name of its list."""

HOW = "cross_media.json"
"""Name of the file in which `scripts/cross_media.py` says how it made the labels."""


def read(origin: Origin) -> Source:
    """Read `b-t4sa_{train,val,test}.txt`, lines as `data/75801/758-1.jpg 2` (t4sa.it).

    The classifier's probabilities come from `--scores`, or from `scores.tsv` beside the lists.
    """
    folder = origin.folder
    splits = {
        split: [
            Photo(path, label)
            for path, label in photo_lists.read_coded(folder / list_name(name), len(SENTIMENTS))
        ]
        for split, name in LISTS.items()
    }
    labels_from = _labels_from(folder)
    scores = folder / (origin.reading.scores or teacher_scores.BESIDE_LISTS)
    if not origin.reading.scores and not scores.is_file():
        return Source(folder, SENTIMENTS, splits, labels_from)
    photos = list(itertools.chain(*splits.values()))
    shares = teacher_scores.read(scores, (photo.path for photo in photos))
    agreed = np.sum(shares.argmax(axis=1) == [photo.label for photo in photos])
    each = map(tuple, shares.tolist())
    splits = {
        split: [photo._replace(shares=next(each)) for photo in of_split]
        for split, of_split in splits.items()
    }
    note = (
        f"probabilities from {scores.name}: the largest is the listed label's for {agreed:,} of "
        f"{len(photos):,} photos"
    )
    return Source(folder, SENTIMENTS, splits, f"{labels_from}; shares: {scores.name}", (note,))


def list_name(name: str) -> str:
    """Name of the list of a split, by its word in LISTS."""
    return f"b-t4sa_{name}.txt"


def _labels_from(folder: Path) -> str:
    """Where the labels come from, in words."""
    if (folder / HOW).is_file():
        return str(files.read_json(folder / HOW).get("labels_from"))
    return "the text of the tweets, read by a classifier"
