"""Drawn faces as prepared data, for where there is no photo."""

from pathlib import Path

from sentiment.data import drawn_faces
from sentiment.data.collections.origin import Origin, Reading
from sentiment.data.dataset import Dataset
from sentiment.data.decoding import decoders
from sentiment.data.preparation import Preparation

NAME = "drawn_faces"

COUNTS = {"train": 20, "valid": 1, "test": 20}
"""Pictures of each class, by the folder of their split."""


def prepare(folder: Path) -> Dataset:
    """Draw faces in a folder, and prepare them there."""
    photos = folder / "photos"
    drawn_faces.draw(photos, COUNTS)
    origin = Origin("folders", photos, seed=1, reading=Reading())
    preparation = Preparation(folder / NAME, origin, max_bad_percent=0)
    with decoders(-1, None, preparation.photos) as pool:
        preparation.run(pool)
    return Dataset(folder, NAME)
