"""Photos with labels in words, from any list or table: made into a source."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from sentiment.base.errors import UserError
from sentiment.data.collections import missing_splits
from sentiment.data.collections.collection import ALL, SPLITS, Photo, Source, inside, shares_of
from sentiment.data.collections.origin import Origin

MOST_CLASSES = 1000
"""Classes beyond which a column is taken for one that holds no labels."""


@dataclass(frozen=True)
class Labelled:
    """One photo as a list or a table has it."""

    where: str
    """Its file and line, for messages."""
    path: str
    """Path of the photo as it stands there."""
    label: str = ""
    """Name of its class; empty where `amounts` tell it."""
    amounts: Sequence[float] = ()
    """Votes for, or probability of, each class."""
    split: str = ALL


def source(
    origin: Origin,
    labelled: Iterable[Labelled],
    labels_from: str,
    class_names: Sequence[str] = (),
    root: Path | None = None,
) -> Source:
    """Make a source of labelled photos.

    A photo is left out, and counted in a note, if two classes share the most votes.

    Args:
        origin: the collection.
        labelled: its photos; all in splits of their own, or all in ALL.
        labels_from: where the labels come from, in words.
        class_names: the classes in order, if that is known; else those that occur, sorted.
        root: the folder that the photos' paths are relative to, if not the collection's.

    Raises:
        UserError: a photo is listed twice or outside the folder, or what is said of it cannot be
            its label.
    """
    entries = list(labelled)
    names = tuple(class_names) or _names({entry.label for entry in entries} - {""})
    if len(names) > MOST_CLASSES:
        raise UserError(
            f"{entries[0].where.rpartition(':')[0]}: {len(names):,} different labels, such as "
            f"{names[0][:40]}; expected at most {MOST_CLASSES:,}: is it the column of labels?"
        )
    numbers = {name: number for number, name in enumerate(names)}
    root = root or origin.folder
    splits: dict[str, list[Photo]] = {}
    seen: set[str] = set()
    undecided = 0
    for entry in entries:
        path = _path(entry, root)
        if path in seen:
            raise UserError(f"{entry.where}: {path} is listed twice; expected each photo once")
        seen.add(path)
        photo = _photo(entry, path, numbers)
        if photo is None:
            undecided += 1
        else:
            splits.setdefault(entry.split, []).append(photo)
    if not splits:
        raise UserError(f"{origin.folder}: no photo with a label; expected some")
    notes = [f"{undecided:,} photos left out: two classes have the most votes"] * bool(undecided)
    in_order = {name: splits[name] for name in (*SPLITS, ALL) if name in splits}
    division, undivided = missing_splits.drawn(origin, {name: name for name in in_order})
    return Source(
        root, names, in_order, labels_from, (*notes, *division), undivided=undivided
    ).checked()


def _names(labels: set[str]) -> tuple[str, ...]:
    """The classes that occur: codes by their number, names by their letters."""
    return tuple(
        sorted(labels, key=lambda name: (int(name), "") if name.isdecimal() else (-1, name))
    )


def _path(entry: Labelled, root: Path) -> str:
    """The photo's path, relative to the source folder, however it is written."""
    text = entry.path
    if "\\" in text and not (root / text).exists():  # written on Windows
        text = text.replace("\\", "/")
    path = PurePosixPath(text)
    if path.is_absolute() and PurePath(text).is_relative_to(root):
        path = PurePosixPath(PurePath(text).relative_to(root))
    if not text:
        raise UserError(f"{entry.where}: no photo; expected its path")
    return inside(path.as_posix(), entry.where)


def _photo(entry: Labelled, path: str, numbers: dict[str, int]) -> Photo | None:
    """The photo with its label; None if two classes have the most votes."""
    if entry.amounts:
        most = max(entry.amounts)
        if min(entry.amounts) < 0 or most <= 0:
            raise UserError(
                f"{entry.where}: votes or probabilities {', '.join(map(str, entry.amounts))}; "
                "expected none below 0, and one above"
            )
        if list(entry.amounts).count(most) > 1:
            return None
        return Photo(path, list(entry.amounts).index(most), shares=shares_of(entry.amounts))
    if entry.label not in numbers or not entry.label.isprintable():
        raise UserError(
            f"{entry.where}: label {entry.label[:80]!r}; expected "
            + (", ".join(list(numbers)[:8]) if entry.label else "a name")
        )
    return Photo(path, numbers[entry.label])
