"""B-T4SA, the paper's training set, and collections in its form."""

from pathlib import Path

from sentiment.base import files
from sentiment.data.collections import photo_lists
from sentiment.data.collections.collection import SENTIMENTS, Photo, Source
from sentiment.data.collections.origin import Origin

LISTS = {"train": "train", "validation": "val", "test": "test"}
"""By split, the word in the name of its list."""

HOW = "cross_media.json"
"""Name of the file in which `scripts/cross_media.py` says how it made the labels."""


def read(origin: Origin) -> Source:
    """Read `b-t4sa_{train,val,test}.txt`, lines as `data/75801/758-1.jpg 2` (t4sa.it)."""
    folder = origin.folder
    splits = {
        split: [
            Photo(path, label)
            for path, label in photo_lists.read_coded(folder / list_name(name), len(SENTIMENTS))
        ]
        for split, name in LISTS.items()
    }
    return Source(folder, SENTIMENTS, splits, _labels_from(folder))


def list_name(name: str) -> str:
    """Name of the list of a split, by its word in LISTS."""
    return f"b-t4sa_{name}.txt"


def _labels_from(folder: Path) -> str:
    """Where the labels come from, in words."""
    if (folder / HOW).is_file():
        return str(files.read_json(folder / HOW).get("labels_from"))
    return "the text of the tweets, read by a classifier"
