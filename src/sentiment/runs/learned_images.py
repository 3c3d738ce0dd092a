"""Which training images a run learns from, and what of each: labels, the teacher's, or shares."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.base.errors import UserError
from sentiment.data import stratify, text_lines
from sentiment.data.dataset import Dataset
from sentiment.data.tables import SUFFIXES, Table
from sentiment.runs.run_files import TrainingData

if TYPE_CHECKING:
    import numpy as np

    from sentiment.data.split import Split

COLUMNS = ("photo", "path", "image", "file", "filename")
"""Usual names of the column of photos in a table of those to leave out."""


def plan(data: TrainingData) -> dict:
    """All that the choice depends on, in JSON's types; empty where nothing is chosen."""
    entries: dict = {}
    if data.labels != "listed":
        entries["labels"] = data.labels
    if data.labels == "shares":
        entries["temperature"] = data.temperature
    if data.min_confidence:
        entries["min_confidence"] = data.min_confidence
    if data.drop:
        paths = sorted(dropped_by(data.drop))
        digest = hashlib.sha256("\n".join(paths).encode("utf-8", "surrogateescape")).hexdigest()
        entries["dropped"] = {"photos": len(paths), "sha256": digest[:16]}
    return entries


def kept(
    dataset: Dataset, sections: Mapping[str, "np.ndarray"], data: TrainingData
) -> list["np.ndarray"]:
    """The rows that a run learns from.

    Args:
        sections: ascending row numbers to choose from, int64 (n,), by the split's name.

    Returns:
        Ascending row numbers, int64, an array a split.

    Raises:
        UserError: the data do not hold what is to be learned, or a photo that is to be left out,
            or none would be left.
    """
    _check(dataset, data)
    rows = [_kept(dataset.split(name), of_split, data) for name, of_split in sections.items()]
    if not any(map(len, rows)):
        raise UserError(
            f"{' '.join(data.words)}: no training photo of {dataset.name} is left; choose fewer"
        )
    return rows


def counts(
    dataset: Dataset, sections: Sequence[str], data: TrainingData, seed: int
) -> dict[str, int]:
    """How many images of each class a run learns from.

    Args:
        sections: the splits that it learns from.
        seed: the recipe's, by which a part of them is drawn.

    Raises:
        UserError: as `kept` does.
    """
    import numpy as np

    splits = {name: dataset.split(name) for name in sections}
    rows = {n: stratify.subset(s.labels, data.percent, seed) for n, s in splits.items()}
    parts = zip(learned(list(splits.values()), data), kept(dataset, rows, data), strict=True)
    labels = np.concatenate([classes(said[of_split]) for said, of_split in parts])
    by_label = np.bincount(labels, minlength=len(dataset.class_names)).tolist()
    return dict(zip(dataset.class_names, by_label, strict=True))


def classes(learned: "np.ndarray") -> "np.ndarray":
    """The class of each image, or the one with its largest share: int32 (n,), of what `learned`
    returns."""
    return learned.argmax(axis=1).astype("int32") if learned.ndim == 2 else learned


def learned(splits: list["Split"], data: TrainingData) -> list["np.ndarray"]:
    """What is learned of each image of some splits.

    Returns:
        For each split classes, int32 (n,), or shares, float32 (n, classes). Shares of which each
        is 0 or 1 are classes.
    """
    if data.labels == "listed":
        return [split.labels for split in splits]
    shares = [_shares(split) for split in splits]
    if data.labels == "teacher" or all((of_split.max(axis=1) == 1).all() for of_split in shares):
        return [classes(of_split) for of_split in shares]
    return [softened(of_split, data.temperature) for of_split in shares]


def softened(shares: "np.ndarray", temperature: float) -> "np.ndarray":
    """Shares ** (1 / temperature), scaled to sum to 1, as Hinton et al. (2015) soften what a
    teacher says; float32 (n, classes)."""
    if temperature == 1:
        return shares
    of_largest = shares.astype(float) / shares.max(axis=1, keepdims=True)  # 1 does not underflow
    powers = of_largest ** (1 / temperature)
    return (powers / powers.sum(axis=1, keepdims=True)).astype("float32")


@functools.cache
def dropped_by(file: Path) -> frozenset[str]:
    """The photos that a file says to leave out.

    Raises:
        UserError: the file is missing, empty or of another form.
    """
    if file.suffix.lower() in SUFFIXES:
        table = Table(file)
        column = table.usual_column(COLUMNS)
        if not column:
            raise UserError(
                f"{file}:1: expected a column photo; it has {', '.join(table.columns[:8])}"
            )
        return frozenset(row.text(column) for row in table)
    if not file.is_file():
        raise UserError(f"--drop {file}: no such file")
    with text_lines.opened(file) as text:
        paths = frozenset(line.strip() for line in text) - {""}
    if not paths:
        raise UserError(f"--drop {file}: no photo in it; expected a path a line")
    return paths


def _check(dataset: Dataset, data: TrainingData) -> None:
    """Check that the data hold what is to be learned, and every photo that is to be left out.

    Raises:
        UserError: they do not.
    """
    if data.labels != "listed" or data.min_confidence:
        _shares(dataset.split("train"))
    if data.drop is None:
        return
    dropped = dropped_by(data.drop)
    known = {path for name in dataset.manifest["splits"] for path in dataset.split(name).paths}
    if unknown := sorted(dropped - known):
        raise UserError(
            f"--drop {data.drop}: {len(unknown):,} of {len(dropped):,} photos are not in "
            f"{dataset.name}, such as {unknown[0][:80]}; expected paths as its lists write them"
        )


def _kept(split: "Split", rows: "np.ndarray", data: TrainingData) -> "np.ndarray":
    """Those of a split's rows that a run learns from."""
    import numpy as np

    if data.min_confidence:
        # As float32, for 0.7 in a table is stored as the float32 next to it.
        rows = rows[_shares(split)[rows].max(axis=1) >= np.float32(data.min_confidence)]
    if data.drop:
        rows = rows[~np.isin(split.paths[rows], sorted(dropped_by(data.drop)))]
    return rows


def _shares(split: "Split") -> "np.ndarray":
    """A split's shares.

    Raises:
        UserError: it has none.
    """
    if split.shares is None:
        raise UserError(
            f"{split.images.folder.parent}: no shares beside the labels; prepare the data again, "
            "with a teacher's --scores or several label columns, and --overwrite"
        )
    return split.shares
