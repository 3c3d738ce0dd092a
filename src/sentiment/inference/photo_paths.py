"""The photos that a person names: files, folders, patterns, and a list from standard input."""

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.data.collections.left_behind import is_left_behind, is_photo

STANDARD_INPUT = "-"
"""Stands for a list of files and folders on standard input."""


@dataclass
class Named:
    """Photos that were named, and files of folders that are none."""

    photos: list[str] = field(default_factory=list)
    """Each photo once, in the order of the words; those of a folder by name."""
    passed_over: list[str] = field(default_factory=list)


def named(words: Sequence[str], recursive: bool) -> Named:
    """Find the photos that are named.

    A file that is named itself is taken for a photo, whatever it is. A folder's photos are known
    by their names, or else by their content.

    Args:
        words: paths of files and folders, patterns such as `*.jpg` or `**/*.png`, or `-`: a list
            on standard input, a path a line, or behind NUL as `find -print0` writes it.
        recursive: look into the folders in a folder, too.

    Raises:
        UserError: a word leads to nothing, or a folder has no photo.
        OSError: a folder cannot be read.
    """
    found = Named()
    for place in _places(words):
        if Path(place).is_dir():
            _add_folder(found, place, recursive)
        else:
            found.photos.append(place)
    found.photos = list(dict.fromkeys(found.photos))
    return found


def _places(words: Sequence[str]) -> Iterator[str]:
    """The files and folders that words stand for."""
    for word in words:
        if word == STANDARD_INPUT:
            yield from _listed()
        elif Path(word).exists():
            yield str(Path(word))
        elif matches := sorted(glob.glob(word, recursive=True)):  # noqa: PTH207  it may be absolute
            yield from matches
        else:
            raise UserError(f"{word}: no such file or folder, and no file fits it as a pattern")


def _listed() -> Iterator[str]:
    """The paths on standard input; one that leads to nothing is a photo that is not there."""
    text = os.fsdecode(sys.stdin.buffer.read())
    for line in text.split("\0" if "\0" in text else "\n"):
        if path := line.rstrip("\r"):
            yield str(Path(path))


def _add_folder(found: Named, folder: str, recursive: bool) -> None:
    before, inside = len(found.photos), False
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not is_left_behind(name))
        inside = inside or bool(folders)
        files = (str(Path(place, name)) for name in sorted(names) if not is_left_behind(name))
        for file in files:
            (found.photos if is_photo(Path(file)) else found.passed_over).append(file)
        if not recursive:
            break
    if len(found.photos) == before:
        looked = "; --recursive looks into its folders" if inside and not recursive else ""
        raise UserError(f"{folder}: no photo in it{looked}")


def _raise(error: OSError) -> None:
    raise error
