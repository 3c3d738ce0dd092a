"""Photos copied or moved into a folder a label, never over another file."""

import errno
import filecmp
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.inference.answer_table import Row

Way = Literal["copy", "move"]


@dataclass(frozen=True)
class Placing:
    """A photo, and where it goes."""

    label: str
    source: Path
    target: Path


def placings(rows: Iterable[Row], folder: Path, way: Way) -> list[Placing]:
    """Find a name in `folder/LABEL/` for each photo that is not there yet.

    A name that is taken gets a number: `cat_2.jpg` beside `cat.jpg`. A copy with the photo's own
    bytes is the photo, so that copying again copies nothing twice.

    Raises:
        UserError: a label cannot name a folder.
    """
    taken: set[Path] = set()
    found = []
    for row in rows:
        if Path(row.label).name != row.label:
            raise UserError(f"the label {row.label!r} cannot name a folder in {folder}")
        source = Path(row.path)
        for target in _names(folder / row.label, source):
            there = target.exists() and _is_there(source, target, way)
            if target not in taken and (there or not target.exists()):
                break
        taken.add(target)
        if not there:
            found.append(Placing(row.label, source, target))
    return found


def _names(folder: Path, source: Path) -> Iterator[Path]:
    """The names that a photo may get in a folder, the best first."""
    yield folder / source.name
    number = 2
    while True:
        yield folder / f"{source.stem}_{number}{source.suffix}"
        number += 1


def _is_there(source: Path, target: Path, way: Way) -> bool:
    if source.exists() and source.samefile(target):
        return True
    return way == "copy" and source.exists() and filecmp.cmp(source, target, shallow=False)


def in_words(found: list[Placing], folder: Path) -> list[str]:
    """How many photos go into which folder, a line each."""
    counts = Counter(placing.label for placing in found)
    return [f"{count:,} into {folder / label}" for label, count in sorted(counts.items())]


def place(found: list[Placing], way: Way, advance: Callable[[int], None]) -> None:
    """Copy or move photos; each arrives whole or not at all.

    Raises:
        OSError: the disk is full, a photo is gone, or a folder may not be written.
    """
    for placing in found:
        placing.target.parent.mkdir(parents=True, exist_ok=True)
        if way == "copy" or not _renamed(placing):
            with files.whole_file(placing.target) as temporary:
                shutil.copy2(placing.source, temporary)
            if way == "move":
                placing.source.unlink()
        advance(1)


def _renamed(placing: Placing) -> bool:
    """Whether a photo could be moved by another name alone: on one disk, and no link."""
    if placing.source.is_symlink():  # what a relative link leads to depends on where it is
        return False
    try:
        placing.source.rename(placing.target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True
