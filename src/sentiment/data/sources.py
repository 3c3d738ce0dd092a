"""The photo collections as their authors publish them: which photos, which labels, which split."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from sentiment.base.errors import UserError
from sentiment.data import stratify
from sentiment.data.dataset import Kind

SENTIMENTS = ("negative", "neutral", "positive")
"""B-T4SA's classes in the order of its codes 0, 1, 2."""

TTD_CLASSES = ("negative", "positive")
"""TTD's classes in the order of its codes 0, 1: its 1 is B-T4SA's 2."""


class Photo(NamedTuple):
    """One listed photo."""

    path: str
    """Path as the list writes it, relative to `Source.root`."""
    label: int
    """Index into `Source.class_names`."""
    agreement: int = 0
    """How many of TTD's five annotators agreed; 0 in other collections."""


@dataclass
class Source:
    """A collection on disk, read as far as its lists; no photo has been opened."""

    root: Path
    """Folder that the photos' paths are relative to."""
    class_names: tuple[str, ...]
    """Names of the classes, in the order of the labels 0, 1, ..."""
    splits: dict[str, list[Photo]]
    """Photos by split: train, validation and test, or test alone."""
    note: str = ""
    """How the splits were made, where the collection itself has none."""


@dataclass(frozen=True)
class Origin:
    """The collection that data are prepared from, and the seed of what is drawn by lot."""

    kind: Kind
    folder: Path
    """Folder that holds the lists or the class folders."""
    seed: int
    """Seed of the stored order, and of the splits where the collection has none."""

    @classmethod
    def of(cls, manifest: dict, folder: Path | None = None) -> "Origin":
        """The origin of prepared data.

        Args:
            manifest: the prepared data's manifest.
            folder: where the collection is now, if not where it was then.
        """
        return cls(manifest["kind"], folder or Path(manifest["source"]), manifest["seed"])

    @property
    def manifest_entries(self) -> dict[str, str | int]:
        """The origin as a manifest states it."""
        return {"kind": self.kind, "source": str(self.folder), "seed": self.seed}

    def read(self) -> Source:
        """Read the collection as far as its lists; no photo is opened.

        Raises:
            UserError: the folder is not of its kind's form.
        """
        return READERS[self.kind](self.folder, self.seed)


def read_t4sa(folder: Path, seed: int) -> Source:
    """Read B-T4SA: `b-t4sa_{train,val,test}.txt`, lines as `data/75801/758-1.jpg 2` (t4sa.it)."""
    lists = {"train": "train", "validation": "val", "test": "test"}
    splits = {
        split: [
            Photo(path, label)
            for path, label in _read_list(folder / f"b-t4sa_{name}.txt", len(SENTIMENTS))
        ]
        for split, name in lists.items()
    }
    return Source(folder, SENTIMENTS, splits)


def read_ttd(folder: Path, seed: int) -> Source:
    """Read TTD: `Agg_AMT_Candidates/` and three lists by agreement (DeepSent, You et al., 2015).

    "Four agree" means at least four: each list holds the stricter one.
    """
    levels = {5: "five", 4: "four", 3: "three"}
    lists = {level: folder / f"twitter_{word}_agrees.txt" for level, word in levels.items()}
    labels = {level: dict(_read_list(file, len(TTD_CLASSES))) for level, file in lists.items()}
    for strict, loose in ((5, 4), (4, 3)):
        for path, label in labels[strict].items():
            if labels[loose].get(path) != label:
                raise UserError(
                    f'{lists[loose]}: no line "{path} {label}", which {lists[strict].name} has; '
                    f"expected the lists to be nested with equal labels: get them again"
                )
    photos = [
        Photo(path, label, agreement=max(level for level in levels if path in labels[level]))
        for path, label in labels[3].items()
    ]
    return Source(folder / "Agg_AMT_Candidates", TTD_CLASSES, {"test": photos})


def read_dogs(folder: Path, seed: int) -> Source:
    """Read dog breeds: `train|valid|test/BREED/*.jpg`, or Kaggle's `labels.csv` and `train/`."""
    if (folder / "labels.csv").is_file():
        return _read_labels_csv(folder, seed)
    return _read_class_folders(folder, seed)


def _read_class_folders(folder: Path, seed: int) -> Source:
    validation = "valid" if (folder / "valid").is_dir() else "val"
    missing = [name for name in ("train", validation) if not (folder / name).is_dir()]
    if missing:
        raise UserError(
            f"{folder}: no folder {missing[0]}; expected train/BREED/*.jpg, valid (or val) and "
            "test likewise, or Kaggle's labels.csv beside train/"
        )
    class_names = _folder_names(folder / "train")

    def photos(split: str) -> list[Photo]:
        unknown = sorted(set(_folder_names(folder / split)) - set(class_names))
        if unknown:
            raise UserError(f"{folder / split / unknown[0]}: a class that train/ does not have")
        return [
            Photo(f"{split}/{name}/{file.name}", label)
            for label, name in enumerate(class_names)
            if (folder / split / name).is_dir()
            for file in sorted((folder / split / name).iterdir())
            if not file.name.startswith(".")
        ]

    train, held_out = photos("train"), photos(validation)
    if (folder / "test").is_dir():
        splits, note = {"validation": held_out, "test": photos("test")}, ""
    else:
        splits = _split(held_out, {"validation": 50, "test": 50}, seed)
        note = f"no test folder: {validation} was halved, by class, seed {seed}"
    return _not_empty(Source(folder, class_names, {"train": train, **splits}, note))


def _read_labels_csv(folder: Path, seed: int) -> Source:
    file = folder / "labels.csv"
    breeds: dict[str, str] = {}
    with file.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
        rows = csv.reader(lines, strict=True)
        try:
            if next(rows, None) != ["id", "breed"]:
                raise UserError(f"{file}:1: expected the header id,breed")
            for row in rows:
                where = f"{file}:{rows.line_num}"
                if len(row) != 2 or not all(row) or not row[1].isprintable():
                    raise UserError(f"{where}: expected id,breed; received {str(row)[:80]}")
                path = _inside(f"train/{row[0]}.jpg", where)
                if path in breeds:
                    raise UserError(f"{where}: {row[0]} is listed twice; expected each photo once")
                breeds[path] = row[1]
        except csv.Error as error:
            raise UserError(f"{file}:{rows.line_num}: not CSV ({error})") from None
    class_names = tuple(sorted(set(breeds.values())))
    photos = [Photo(path, class_names.index(breed)) for path, breed in breeds.items()]
    percents = {"train": 80, "validation": 10, "test": 10}
    note = f"labels.csv split 80/10/10 by class, seed {seed}"
    return _not_empty(Source(folder, class_names, _split(photos, percents, seed), note))


def _split(photos: list[Photo], percents: Mapping[str, float], seed: int) -> dict[str, list[Photo]]:
    """Split photos at random, by class, into parts of the given percents."""
    if not photos:
        return {}
    labels = np.array([photo.label for photo in photos], np.int64)
    parts = stratify.split(labels, tuple(percents.values()), seed)
    return {name: [photos[row] for row in rows] for name, rows in zip(percents, parts, strict=True)}


def _not_empty(source: Source) -> Source:
    """Return the source if each of its three splits has a photo."""
    for split in ("train", "validation", "test"):
        if not source.splits.get(split):
            raise UserError(f"{source.root}: no photo for the {split} split; expected some")
    return source


def _folder_names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(f.name for f in folder.iterdir() if f.is_dir() and f.name[0] != "."))


def _read_list(file: Path, classes: int) -> list[tuple[str, int]]:
    """Read a list of `PATH LABEL` lines.

    Raises:
        UserError: the list is missing or empty, or a line, which is named, is of another form.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such list; --source is the folder that holds it")
    photos: dict[str, int] = {}
    with file.open(encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            where, fields = f"{file}:{number}", line.rstrip("\n").split(" ")
            if fields == [""]:
                continue
            if len(fields) != 2 or not all(fields):
                raise UserError(
                    f'{where}: expected "PATH LABEL" with one space; received {line[:80]!r}'
                )
            path, label = fields
            if label not in map(str, range(classes)):
                raise UserError(f"{where}: label {label!r}; expected 0 to {classes - 1}")
            if path in photos:
                raise UserError(f"{where}: {path} is listed twice; expected each photo once")
            photos[_inside(path, where)] = int(label)
    if not photos:
        raise UserError(f"{file}: no photo is listed; expected lines such as data/7/7-1.jpg 2")
    return list(photos.items())


def _inside(path: str, where: str) -> str:
    """Return `path` if it stays inside the source folder; `where` names its line in messages."""
    if not path.isprintable() or PurePosixPath(path).is_absolute() or ".." in path.split("/"):
        raise UserError(f"{where}: {path[:80]!r} is not a path inside the source folder")
    return path


READERS: dict[Kind, Callable[[Path, int], Source]] = {
    "t4sa": read_t4sa,
    "ttd": read_ttd,
    "dogs": read_dogs,
}
"""Function that reads a collection of each kind, given its folder and the seed of its splits."""


def kind_of(folder: Path) -> Kind:
    """Tell a collection's kind by its lists; dog breeds have none."""
    lists: dict[Kind, str] = {"t4sa": "b-t4sa_train.txt", "ttd": "twitter_three_agrees.txt"}
    return next((kind for kind, name in lists.items() if (folder / name).exists()), "dogs")
