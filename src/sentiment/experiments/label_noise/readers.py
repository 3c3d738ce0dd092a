"""Readers laid side by side: the list, the teacher, and others; and the ceiling that each sets."""

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.data.collections import teacher_scores
from sentiment.data.collections.collection import SENTIMENTS
from sentiment.data.dataset import Dataset
from sentiment.data.split import Split
from sentiment.report.table import COUNT, FRACTION, Table
from sentiment.runs import ceiling_file
from sentiment.runs.accuracy import Accuracy, accuracy
from sentiment.runs.ceiling_file import Ceiling
from sentiment.runs.confusion import confusion

log = logging.getLogger(__name__)

LIST, TEACHER = "the list", "the teacher"
"""Names of the readers that the prepared data hold: their labels, and the largest share."""


@dataclass(frozen=True)
class Reader:
    """Who says of every photo what it is."""

    name: str
    labels: np.ndarray
    """The class of each photo, int (n,), in the order of the splits."""


def compare(dataset: Dataset, scores: Sequence[Path], folder: Path) -> None:
    """Compare every two readers; print, and write tables, the photos on which they part, and the
    ceilings.

    Args:
        scores: tables of probabilities, each a reader.

    Raises:
        UserError: a table has no row for a photo, or the classes are not its own.
    """
    splits = {name: dataset.split(name) for name in dataset.manifest["splits"]}
    readers = _readers(dataset, splits, scores)
    if len(readers) == 1:
        log.info("  no other reader: the data have no shares, and no --scores are given")
        return
    pairs = list(itertools.combinations(readers, 2))
    for number, (first, second) in enumerate(pairs, 1):
        table = _table(f"readers_{number}", first, second, dataset.class_names)
        table.save(folder)
        log.info("\n%s", table.title)
        for line in (*table.lines(), *table.notes):
            log.info("  %s", line)
    ceilings = [_ceiling(readers[0], other, splits) for other in readers[1:]]
    ceiling_file.write(folder, dataset.fingerprint, ceilings)
    log.info("")
    for ceiling in ceilings:
        if ceiling.is_the_list:
            log.info("%s says what the list says of every photo: no ceiling", ceiling.reader)
            continue
        for split, agreed in ceiling.splits.items():
            log.info("A perfect copy of %s would reach on the %s split: %s",
                     ceiling.reader, split, agreed)  # fmt: skip
    _write_parted(readers, splits, dataset.class_names, folder / "parted.csv")
    log.info("Saved %s", folder / "{readers_*.csv,readers_*.md,parted.csv,ceiling.json}")


def _readers(dataset: Dataset, splits: dict[str, Split], scores: Sequence[Path]) -> list[Reader]:
    listed = Reader(LIST, np.concatenate([split.labels for split in splits.values()]))
    shares = [split.shares for split in splits.values() if split.shares is not None]
    readers = [listed]
    if len(shares) == len(splits):
        readers.append(Reader(TEACHER, np.concatenate(shares).argmax(axis=1)))
    if scores and dataset.class_names != SENTIMENTS:
        raise UserError(
            f"--scores {scores[0]}: is of {', '.join(SENTIMENTS)}; {dataset.name} has "
            f"{', '.join(dataset.class_names[:5])}"
        )
    paths = list(itertools.chain(*(split.paths.tolist() for split in splits.values())))
    names = [file.name for file in scores]
    for file in scores:
        name = str(file) if names.count(file.name) > 1 else file.name
        readers.append(Reader(name, teacher_scores.read(file, paths).argmax(axis=1)))
    return readers


def _table(name: str, first: Reader, second: Reader, class_names: Sequence[str]) -> Table:
    """The confusion of two readers, a row a class that the first one says, and both's agreement."""
    counts = confusion(first.labels, second.labels, len(class_names))
    rows = [
        {"said": class_name, **_counts(counts[label], class_names),
         **_agreement(Accuracy(int(counts[label].sum()), int(counts[label, label])))}
        for label, class_name in enumerate(class_names)
    ]  # fmt: skip
    all_classes = accuracy(first.labels, second.labels)
    rows.append(
        {"said": "any", **_counts(counts.sum(axis=0), class_names), **_agreement(all_classes)}
    )
    formats = dict.fromkeys([*class_names, "n"], COUNT)
    formats |= dict.fromkeys(["agree", "95 % low", "95 % high"], FRACTION)
    title = f"What {first.name} says (rows), and {second.name} (columns), of photos in all splits"
    note = "agree: the share on which both say the same, with Wilson's 95 % interval."
    return Table(name, title, pd.DataFrame(rows), formats, [note])


def _counts(counts: np.ndarray, class_names: Sequence[str]) -> dict[str, int]:
    return dict(zip(class_names, counts.tolist(), strict=True))


def _agreement(agreed: Accuracy) -> dict[str, float | None]:
    if not agreed.n:
        return {"agree": None, "95 % low": None, "95 % high": None, "n": 0}
    low, high = agreed.interval
    return {"agree": agreed.value, "95 % low": low, "95 % high": high, "n": agreed.n}


def _ceiling(listed: Reader, other: Reader, splits: dict[str, Split]) -> Ceiling:
    """How often a reader says what the list says, by split."""
    ends = np.cumsum([len(split) for split in splits.values()])[:-1]
    parts = zip(splits, np.split(listed.labels, ends), np.split(other.labels, ends), strict=True)
    return Ceiling(other.name, {name: accuracy(y_true, said) for name, y_true, said in parts})


def _write_parted(
    readers: list[Reader], splits: dict[str, Split], class_names: Sequence[str], file: Path
) -> None:
    """Write the photos on which readers part, and what each of them says."""
    names = np.array(class_names)
    frame = pd.DataFrame({
        "photo": np.concatenate([split.paths for split in splits.values()]),
        "split": np.repeat(list(splits), [len(split) for split in splits.values()]),
        **{reader.name: names[reader.labels] for reader in readers},
    })  # fmt: skip
    said = np.stack([reader.labels for reader in readers])
    parted = frame[(said != said[0]).any(axis=0)]
    with files.whole_file(file) as temporary:
        parted.to_csv(temporary, index=False)
