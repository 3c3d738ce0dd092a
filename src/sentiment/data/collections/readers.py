"""Which reader reads which kind of collection, and how a collection's kind is told."""

from collections.abc import Callable
from pathlib import Path

from sentiment.data import tables
from sentiment.data.collections import (
    class_folders,
    emoset,
    emotion6,
    mvsa,
    photo_tables,
    polarity,
    t4sa,
    t4sa2,
    ttd,
)  # fmt: skip
from sentiment.data.collections.collection import Source
from sentiment.data.collections.kaggle_labels import LABELS
from sentiment.data.collections.origin import Origin
from sentiment.data.dataset import Kind

READERS: dict[Kind, Callable[[Origin], Source]] = {
    "t4sa": t4sa.read,
    "ttd": ttd.read,
    "folders": class_folders.read,
    "dogs": class_folders.read,
    "table": photo_tables.read,
    "emoset": emoset.read,
    "emotion6": emotion6.read,
    "mvsa": mvsa.read,
    "t4sa2": t4sa2.read,
}
"""Function that reads a collection of each kind as far as its lists."""

SIGNS: dict[str, Kind] = {
    "b-t4sa_train.txt": "t4sa",
    "twitter_three_agrees.txt": "ttd",
    "ground_truth.txt": "emotion6",
    mvsa.LABELS: "mvsa",
    "merge_train.csv": "t4sa2",
    "train.json": "emoset",
    LABELS: "dogs",
}
"""Files that tell the kind of the collection that holds them."""


def read(origin: Origin) -> Source:
    """Read a collection as far as its lists; no photo is decoded.

    Raises:
        UserError: the folder is not of its kind's form.
    """
    source = READERS[origin.kind](origin)
    return polarity.of_emotions(source).checked() if origin.reading.polarity else source


def read_again(manifest: dict, folder: Path | None = None) -> Source:
    """Read the collection that data were prepared from, with the splits that it was given then.

    Args:
        manifest: the prepared data's manifest.
        folder: where the collection is now, if not where it was then.

    Raises:
        UserError: the folder is not of its kind's form.
    """
    origin = Origin.of(manifest, folder)
    return read(origin).divided(manifest.get("near_duplicates", ()), origin.seed)


def kind_of(folder: Path) -> Kind:
    """Tell a collection's kind by its lists; without any it is class folders."""
    for sign, kind in SIGNS.items():
        if (folder / sign).exists():
            return kind
    has_table = any(f.suffix.lower() in tables.SUFFIXES for f in folder.iterdir() if f.is_file())
    return "table" if has_table else "folders"
