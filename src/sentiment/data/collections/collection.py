"""A photo collection, read as far as its lists or folders: photos, labels, splits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from sentiment.base.errors import UserError
from sentiment.data import stratify

SENTIMENTS = ("negative", "neutral", "positive")
"""B-T4SA's classes in the order of its codes 0, 1, 2."""

SPLITS = ("train", "validation", "test")
"""Names of the splits of prepared data."""

SHOWN = 3
"""Files passed over that are named on the screen."""

ALL = "all"
"""Name of the photos of a collection that has no splits of its own."""


class Photo(NamedTuple):
    """One listed photo."""

    path: str
    """Path as the list writes it, relative to `Source.root`."""
    label: int
    """Index into `Source.class_names`."""
    agreement: int = 0
    """How many of TTD's five annotators agreed; 0 in other collections."""
    shares: tuple[float, ...] = ()
    """Share of the votes, or probability, of each class, as `shares_of` makes them; empty in
    collections that have none."""


def shares_of(values: Sequence[float]) -> tuple[float, ...]:
    """Votes or probabilities as shares that sum to 1, each a float32's value, as it is stored."""
    amounts = np.array(values, float)
    return tuple((amounts / amounts.sum()).astype(np.float32).tolist())


@dataclass(frozen=True)
class Source:
    """A collection on disk, read as far as its lists; no photo has been decoded."""

    root: Path
    """Folder that the photos' paths are relative to."""
    class_names: tuple[str, ...]
    """Names of the classes, in the order of the labels 0, 1, ..."""
    splits: dict[str, list[Photo]]
    """Photos by split: train, validation and test, or test alone. Where `undivided` names it,
    photos that are still to be split."""
    labels_from: str
    """Where the labels come from, in words: people, how many, or text."""
    notes: tuple[str, ...] = ()
    """What a person should know of how it was read, each in a line."""
    passed_over: tuple[str, ...] = ()
    """Paths of files in it that are no photos."""
    undivided: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Photos to be split at random: by a name in `splits`, the percents of the splits that they
    become."""

    def notes_in_words(self) -> Iterator[str]:
        """Yield the notes, and a line on the files that were passed over."""
        yield from self.notes
        if self.passed_over:
            count, more = len(self.passed_over), ", ..." * (len(self.passed_over) > SHOWN)
            names = ", ".join(self.passed_over[:SHOWN])
            yield f"passed over {count:,} files that are no photos: {names}{more}"

    def divided(self, together: Iterable[Sequence[str]], seed: int) -> "Source":
        """Split what is `undivided`, by class.

        Args:
            together: groups of paths, such as near duplicates; each group goes into one split.
            seed: seed of the draw.
        """
        if not self.undivided:
            return self
        group_of = {path: paths[0] for paths in together for path in paths}
        splits = {
            name: photos for name, photos in self.splits.items() if name not in self.undivided
        }
        for name, percents in self.undivided.items():
            photos = self.splits[name]
            labels = np.array([photo.label for photo in photos], np.int64)
            keys = [group_of.get(photo.path, photo.path) for photo in photos]
            groups = np.unique(keys, return_inverse=True)[1] if group_of else None
            parts = stratify.split(labels, tuple(percents.values()), seed, groups)
            for part, rows in zip(percents, parts, strict=True):
                splits[part] = [photos[row] for row in rows]
                if not len(rows):
                    raise UserError(
                        f"{self.root}: {len(set(keys)):,} photos, near duplicates counted as one, "
                        f"are too few for a {part} split of {percents[part]:g} %; expected more"
                    )
        in_order = {name: splits[name] for name in SPLITS if name in splits}
        return replace(self, splits=in_order, undivided={}).checked()

    def checked(self) -> "Source":
        """Return the source if what it holds can be learned from or tested on.

        Raises:
            UserError: a split is empty, or there are fewer than two classes.
        """
        for split, photos in self.splits.items():
            if not photos:
                raise UserError(f"{self.root}: no photo for the {split} split; expected some")
        if len(self.class_names) < 2:
            raise UserError(
                f"{self.root}: one class, {', '.join(self.class_names)}; expected two or more"
            )
        return self


def inside(path: str, where: str) -> str:
    """Return `path` if it stays inside the source folder; `where` names its line in messages."""
    if not path.isprintable() or PurePosixPath(path).is_absolute() or ".." in path.split("/"):
        raise UserError(f"{where}: {path[:80]!r} is not a path inside the source folder")
    return path
