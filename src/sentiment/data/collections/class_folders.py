"""Class folders: each folder's name is the label of the photos in it."""

import os
from collections.abc import Iterator
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.data.collections import missing_splits
from sentiment.data.collections.collection import ALL, SPLITS, Photo, Source
from sentiment.data.collections.kaggle_labels import LABELS, read_labels
from sentiment.data.collections.left_behind import is_left_behind, is_photo
from sentiment.data.collections.origin import Origin
from sentiment.data.collections.split_names import split_of


def read(origin: Origin) -> Source:
    """Read `SPLIT/CLASS/*`, or `CLASS/*` without splits, or Kaggle's `labels.csv` and `train/`.

    Raises:
        UserError: a class folder is empty, there are fewer than two, or a split has a class that
            the training photos lack.
    """
    folder = origin.folder
    if (folder / LABELS).is_file():
        return read_labels(origin)
    top = _folders(folder)
    of_splits = {name: folder for name, folder in _by_split(top).items() if _folders(folder)}
    if not top:
        raise UserError(
            f"{folder}: no class folders; expected CLASS/*, or train/CLASS/* and valid and test "
            "likewise"
        )
    of_splits = of_splits or {ALL: folder}
    return _read_splits(origin, of_splits)


def _by_split(folders: list[Path]) -> dict[str, Path]:
    """The folders that are named as splits, by split.

    Raises:
        UserError: two folders are one split.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        split = split_of(folder.name)
        if split in found:
            raise UserError(f"{folder}: the {split} split, as {found[split]} is; expected one")
        if split:
            found[split] = folder
    return found


def _read_splits(origin: Origin, of_splits: dict[str, Path]) -> Source:
    """Read the class folders in each split's folder."""
    called = {split: folder.name for split, folder in of_splits.items()}
    notes, undivided = missing_splits.drawn(origin, called)
    first = next(name for name in ("train", ALL, "test") if name in of_splits)
    class_names = tuple(folder.name for folder in _folders(of_splits[first]))
    splits: dict[str, list[Photo]] = {}
    passed_over: list[str] = []
    for name in (name for name in (*SPLITS, ALL) if name in of_splits):
        splits[name] = []
        for folder in _folders(of_splits[name]):
            if folder.name not in class_names:
                raise UserError(f"{folder}: a class that {of_splits[first].name}/ does not have")
            label = class_names.index(folder.name)
            paths = list(_files(folder, origin.folder))
            photos = [path for path in paths if is_photo(origin.folder / path)]
            if not photos:
                raise UserError(
                    f"{folder}: a class folder without photos; put some in, or take it away"
                )
            splits[name] += [Photo(path, label) for path in photos]
            passed_over += sorted(set(paths) - set(photos))
    return Source(
        origin.folder, class_names, splits, "the names of the folders that hold the photos",
        notes=notes, passed_over=tuple(passed_over), undivided=undivided,
    ).checked()  # fmt: skip


def _folders(folder: Path) -> list[Path]:
    """Folders in a folder, by name; what systems leave behind is none."""
    return sorted(f for f in folder.iterdir() if f.is_dir() and not is_left_behind(f.name))


def _files(folder: Path, root: Path) -> Iterator[str]:
    """Paths, relative to `root`, of all files in a class folder and in folders inside it."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_left_behind(name))
        for name in sorted(files):
            if not is_left_behind(name):
                yield (Path(place) / name).relative_to(root).as_posix()
