"""Where data are prepared from, and the choices with which a collection is read."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentiment.base.errors import UserError
from sentiment.data.collections.collection import SPLITS
from sentiment.data.dataset import Kind


@dataclass(frozen=True)
class Reading:
    """Flags that say how a collection is read, where there is a choice.

    Raises:
        UserError: a value has the wrong form.
    """

    split: str = "80/10/10"
    """Percents of train, validation and test photos, where the collection has no splits; 0/0/100
    makes all of them test photos."""
    table: Path | None = None
    """Table or list of the photos; without it, the only one in --source."""
    photo_column: str | None = None
    """The table's column of photos, paths in --source; without it, one of a usual name."""
    label_column: tuple[str, ...] = ()
    """The table's column of labels, or several of votes or probabilities, of which the largest is
    the label; without it, one of a usual name."""
    split_column: str | None = None
    """The table's column that says train, validation or test; without it, one of a usual name."""
    class_names: tuple[str, ...] = ()
    """Names of the classes whose labels are the codes 0, 1, ... in the table."""
    polarity: bool = False
    """Turn emotions into negative, neutral and positive: amusement, awe, contentment, excitement,
    joy and surprise are positive; anger, disgust, fear and sadness negative."""
    scores: Path | None = None
    """t4sa: a teacher's probabilities, a table of TWID, NEG, NEU, POS, joined by the id in each
    photo's name; without it, scores.tsv in --source if it is there."""

    def __post_init__(self) -> None:
        self.percents  # noqa: B018  raises

    @property
    def percents(self) -> dict[str, float]:
        """Percents of the splits by name.

        Raises:
            UserError: they are not as they have to be.
        """
        try:
            parts = dict(zip(SPLITS, map(float, self.split.split("/")), strict=True))
            right = sum(parts.values()) == 100 and (
                all(part > 0 for part in parts.values()) or parts["test"] == 100
            )
        except ValueError:
            right = False
        if not right:
            raise UserError(
                f"--split {self.split}: expected the percents of train, validation and test, such "
                "as 80/10/10, or 0/0/100"
            )
        return {name: percent for name, percent in parts.items() if percent}

    @property
    def votes(self) -> tuple[str, ...]:
        """The table's columns of votes, or probabilities; none where one column is the label."""
        return self.label_column if len(self.label_column) > 1 else ()

    @property
    def chosen(self) -> dict:
        """The values that are not the defaults, as JSON holds them."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        chosen = {f.name: values[f.name] for f in dataclasses.fields(self)
                  if values[f.name] != f.default}  # fmt: skip
        return {
            name: str(value) if isinstance(value, Path)
            else list(value) if isinstance(value, tuple) else value
            for name, value in chosen.items()
        }  # fmt: skip

    def in_folder(self, root: Path) -> "Reading":
        """The same reading, its tables' paths relative to the source folder if they lie in it.

        Raises:
            UserError: a table is neither there nor in the working directory.
        """
        given = {name: getattr(self, name) for name in TABLES}
        found: dict[str, Any] = {n: _in_folder(n, path, root) for n, path in given.items() if path}
        return dataclasses.replace(self, **found)

    @classmethod
    def of(cls, chosen: dict) -> "Reading":
        """The reading whose `chosen` this is."""
        values = dict(chosen)
        for name in ("label_column", "class_names"):
            values[name] = tuple(chosen.get(name, ()))
        for name in TABLES & chosen.keys():
            values[name] = Path(chosen[name])
        return cls(**values)


TABLES = {"table", "scores"}
"""Fields of a reading that are paths of tables."""


def _in_folder(flag: str, path: Path, root: Path) -> Path:
    """Where a table is: relative to the source folder if it lies in it.

    Raises:
        UserError: it is neither there nor in the working directory.
    """
    places = [place.resolve() for place in (path, root / path)]
    table = next((place for place in places if place.is_file()), None)
    if table is None:
        raise UserError(f"--{flag} {path}: no such file, here or in {root}")
    return table.relative_to(root) if table.is_relative_to(root) else table


@dataclass(frozen=True)
class Origin:
    """The collection that data are prepared from, and the seed of what is drawn by lot.

    Raises:
        UserError: scores are given for a collection of another form than B-T4SA's.
    """

    kind: Kind
    folder: Path
    """Folder that holds the lists or the class folders."""
    seed: int
    """Seed of the stored order, and of the splits where the collection has none."""
    reading: Reading = field(default_factory=Reading)

    def __post_init__(self) -> None:
        if self.reading.scores and self.kind != "t4sa":
            raise UserError(f"--scores {self.reading.scores}: is for t4sa, not for {self.kind}")

    @classmethod
    def of(cls, manifest: dict, folder: Path | None = None) -> "Origin":
        """The origin of prepared data.

        Args:
            manifest: the prepared data's manifest.
            folder: where the collection is now, if not where it was then.
        """
        return cls(
            manifest["kind"],
            folder or Path(manifest["source"]),
            manifest["seed"],
            Reading.of(manifest.get("reading", {})),
        )

    @property
    def manifest_entries(self) -> dict:
        """The origin as a manifest states it."""
        chosen = self.reading.chosen
        return {
            "kind": self.kind, "source": str(self.folder), "seed": self.seed,
            **({"reading": chosen} if chosen else {}),
        }  # fmt: skip
