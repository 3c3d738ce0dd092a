"""A folder in B-T4SA's form: lists of photos, and the photos linked beside them."""

import logging
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.data.collections import t4sa

log = logging.getLogger(__name__)

DATA = "data"
"""Name of the folder of linked photos, as B-T4SA's is called."""

WORK = "work"
"""Name of the folder that holds what another call reads again: photos and scores."""

STEP = 1000
"""Photos between two words of progress."""

WAYS: dict[str, Callable[[str, str], Any]] = {
    "symbolic links": lambda target, place: Path(place).symlink_to(target),
    "hard links": lambda target, place: Path(place).hardlink_to(_resolved(target, place)),
    "copies": lambda target, place: shutil.copyfile(_resolved(target, place), place),
}
"""How photos come into the folder, the first that its file system can do; each takes the photo's
path relative to the folder of the link, and the link's path."""


PLAIN = re.compile(r"\w+")
"""Names that a list, whose paths and labels are divided by blanks, can hold."""


class Listed(NamedTuple):
    """A photo of the set."""

    name: str
    """Path below DATA, as `names` makes it."""
    photo: str
    """Path relative to the folder of the posts' photos."""
    label: int
    part: int
    """Number of its split, in the order of `t4sa.LISTS`."""


def claim(folder: Path) -> None:
    """Make the folder, or take one that an earlier call has made.

    Raises:
        UserError: it holds something else, which is never written over.
    """
    mark = folder / t4sa.HOW
    if folder.exists() and not mark.is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"--into {folder}: holds something that this command has not written; expected a new "
            "or empty folder"
        )
    if not mark.is_file():
        files.write_json(mark, {"labels_from": "not finished: run scripts/cross_media.py again"})
    (folder / WORK).mkdir(exist_ok=True)


def names(name: str, photos: tuple[str, ...]) -> list[str]:
    """Names below DATA that a post's photos bear: `NNNNN/ID-N.jpg`, NNNNN its id's first letters.

    Photos that are named `ID-N` keep their names, and their folder's; others are numbered from 1.
    """
    paths = [PurePosixPath(path) for path in photos]
    stems = [path.stem for path in paths]
    folders = [path.parent.name for path in paths]
    start = f"{name}-"
    own = all(stem.startswith(start) and stem[len(start) :].isdecimal() for stem in stems)
    if not own or len(set(stems)) < len(stems):
        stems = [f"{name}-{number}" for number in range(1, len(paths) + 1)]
        folders = [""] * len(paths)
    return [
        f"{folder if PLAIN.fullmatch(folder) else name[:5]}/{stem}"
        f"{path.suffix.lower() if PLAIN.fullmatch(path.suffix[1:]) else '.jpg'}"
        for folder, stem, path in zip(folders, stems, paths, strict=True)
    ]


def withdraw(folder: Path) -> None:
    """Remove the lists: until all of the new set is there, nothing is prepared from the folder."""
    for name in t4sa.LISTS.values():
        (folder / t4sa.list_name(name)).unlink(missing_ok=True)


def link(folder: Path, listed: list[Listed], root: Path) -> str:
    """Link the photos into the folder, and return in words how.

    Symbolic links are relative: folder and photos may move together, such as to another machine.

    Args:
        folder: the set's folder.
        listed: the photos.
        root: folder that their own paths are relative to.
    """
    to_root = os.path.relpath(root.resolve(), folder.resolve() / DATA / "NNNNN")
    with (
        files.whole_folder(folder / DATA) as data,
        progress("links", len(listed), "photos") as advance,
    ):
        way = _way(data, f"{to_root}/{listed[0].photo}")
        made: set[str] = set()
        for number, photo in enumerate(listed, 1):
            place = data / photo.name
            if place.parent.name not in made:
                place.parent.mkdir()
                made.add(place.parent.name)
            WAYS[way](f"{to_root}/{photo.photo}", str(place))
            if not number % STEP:
                advance(STEP)
    return way


def write_lists(folder: Path, listed: list[Listed]) -> None:
    """Write the lists, each whole; that of the training photos, which tells B-T4SA's form, last."""
    lines: list[list[str]] = [[] for _ in t4sa.LISTS]
    for photo in listed:
        lines[photo.part].append(f"{DATA}/{photo.name} {photo.label}\n")
    for name, of_part in reversed(list(zip(t4sa.LISTS.values(), lines, strict=True))):
        with files.whole_file(folder / t4sa.list_name(name)) as temporary:
            temporary.write_text("".join(of_part), encoding="utf-8")


def counts(listed: list[Listed], classes: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Photos by split and class."""
    tally = np.zeros((len(t4sa.LISTS), len(classes)), np.int64)
    for photo in listed:
        tally[photo.part, photo.label] += 1
    return {
        split: dict(zip(classes, of_split.tolist(), strict=True))
        for split, of_split in zip(t4sa.LISTS, tally, strict=True)
    }


def _way(data: Path, target: str) -> str:
    """The first way in which the file system lets a photo be linked."""
    folder = data / "NNNNN"
    folder.mkdir()
    for way, make in WAYS.items():
        try:
            make(target, str(folder / "photo"))
        except (OSError, NotImplementedError) as error:
            log.info("  no %s there: %s", way, error)
        else:
            shutil.rmtree(folder)
            return way
    raise UserError(f"{data}: photos can be neither linked nor copied there")


def _resolved(target: str, place: str) -> str:
    """The file that a link at `place` to the relative path `target` means."""
    return os.path.normpath(Path(place).parent / target)
