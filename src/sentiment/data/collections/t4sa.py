"""B-T4SA, the paper's training set, and collections in its form."""

from sentiment.data.collections import photo_lists
from sentiment.data.collections.collection import SENTIMENTS, Photo, Source
from sentiment.data.collections.origin import Origin

LISTS = {"train": "train", "validation": "val", "test": "test"}
"""By split, the word in the name of its list."""


def read(origin: Origin) -> Source:
    """Read `b-t4sa_{train,val,test}.txt`, lines as `data/75801/758-1.jpg 2` (t4sa.it)."""
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
    return Source(folder, SENTIMENTS, splits, "the text of the tweets, read by a classifier")
