"""B-T4SA, the paper's training set, and collections in its form."""

import itertools

import numpy as np

from sentiment.data.collections import photo_lists, teacher_scores
from sentiment.data.collections.collection import SENTIMENTS, Photo, Source
from sentiment.data.collections.origin import Origin

LISTS = {"train": "train", "validation": "val", "test": "test"}
"""By split, the word in the name of its list."""

LABELS_FROM = "the text of the tweets, read by a classifier"


def read(origin: Origin) -> Source:
    """Read `b-t4sa_{train,val,test}.txt`, lines as `data/75801/758-1.jpg 2` (t4sa.it).

    The classifier's probabilities come from `--scores`, or from `scores.tsv` beside the lists.
    """
    folder = origin.folder
    splits = {
        split: [
            Photo(path, label)
            for path, label in photo_lists.read_coded(
                folder / f"b-t4sa_{name}.txt", len(SENTIMENTS)
            )
        ]
        for split, name in LISTS.items()
    }
    scores = folder / (origin.reading.scores or teacher_scores.BESIDE_LISTS)
    if not origin.reading.scores and not scores.is_file():
        return Source(folder, SENTIMENTS, splits, LABELS_FROM)
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
    return Source(folder, SENTIMENTS, splits, f"{LABELS_FROM}; shares: {scores.name}", (note,))
