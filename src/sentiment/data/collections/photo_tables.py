"""Tables and lists of labelled photos, of anybody's making."""

from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.data import tables
from sentiment.data.collections import labelled_photos, photo_lists
from sentiment.data.collections.collection import ALL, Source
from sentiment.data.collections.labelled_photos import Labelled
from sentiment.data.collections.left_behind import is_left_behind
from sentiment.data.collections.origin import Origin, Reading
from sentiment.data.collections.split_names import NAMES, split_of
from sentiment.data.tables import Row, Table

PHOTO = (
    "path", "photo", "image", "file", "filename", "file_name", "file_path", "filepath",
    "image_path", "img_path", "photo_path", "image_file", "image_name", "img", "img_name", "name",
)  # fmt: skip
LABEL = ("label", "class", "sentiment", "emotion", "category", "polarity", "tag", "target", "y")
SPLIT = ("split", "set", "subset", "partition", "fold")
"""Usual names of the columns of photos, labels and splits, the most certain first."""

LIST = ".txt"
"""Ending of the name of a list without a header, lines of a path and a label."""


def read(origin: Origin) -> Source:
    """Read the table that `origin.reading` names, or the only one there, or one a split.

    Raises:
        UserError: there is no such table, or what stands in it cannot be read as photos and labels.
    """
    reading = origin.reading
    labelled: list[Labelled] = []
    labels_from: list[str] = []
    for split, file in _files(origin).items():
        if file.suffix.lower() == LIST:
            rows, how = _of_list(file, split), f"the list {file.name}"
        else:
            rows, how = _of_table(Table(file), split, reading)
        labelled += rows
        labels_from.append(how)
    if reading.class_names:
        labelled = [_decoded(entry, reading.class_names) for entry in labelled]
    names = reading.class_names or reading.votes
    return labelled_photos.source(origin, labelled, "; ".join(labels_from), names)


def _files(origin: Origin) -> dict[str, Path]:
    """The table, as ALL, or the tables of the splits.

    Raises:
        UserError: it is not clear which file it is.
    """
    folder, table = origin.folder, origin.reading.table
    if table is not None:
        return {ALL: folder / table}  # an absolute path stays what it is
    there = sorted(
        file for file in folder.iterdir()
        if file.suffix.lower() in tables.SUFFIXES and file.is_file()
        and not is_left_behind(file.name)
    )  # fmt: skip
    if len(there) == 1:
        return {ALL: there[0]}
    by_split = {split: file for file in there if (split := _split_in(file.stem))}
    if there and len(by_split) == len(there):
        return by_split
    found = (
        f"{len(there)} tables: {', '.join(file.name for file in there[:8])}" if there else "none"
    )
    raise UserError(
        f"{folder}: {found}; expected one table ({', '.join(tables.SUFFIXES)}), or one for each "
        "split, such as train.csv; say which with --table FILE"
    )


def _split_in(stem: str) -> str | None:
    """The split that a file is named for at the end of its name, such as `FI_train`."""
    return split_of(stem.replace("-", "_").rpartition("_")[2])


def _of_list(file: Path, split: str) -> list[Labelled]:
    return [Labelled(where, path, label, split=split)
            for where, path, label in photo_lists.read(file)]  # fmt: skip


def _of_table(table: Table, split: str, reading: Reading) -> tuple[list[Labelled], str]:
    """The photos of a table, and how their labels were found."""
    photo = table.column("the photo", "--photo-column", PHOTO, reading.photo_column)
    votes = [table.column("votes", "--label-column", (), name) for name in reading.votes]
    labels = votes or [table.column("the label", "--label-column", LABEL, *reading.label_column)]
    division = _division(table, reading) if split == ALL else None

    def labelled(row: Row) -> Labelled:
        of_row = _split(row, division) if division else split
        if votes:
            amounts = [row.number(name) for name in votes]
            return Labelled(row.where, row.text(photo), amounts=amounts, split=of_row)
        return Labelled(row.where, row.text(photo), row.text(labels[0]), split=of_row)

    what = "the largest of the columns" if votes else "the column"
    how = f"{what} {', '.join(labels)} of {table.file.name}, photos in column {photo}"
    return [labelled(row) for row in table], how


def _division(table: Table, reading: Reading) -> str | None:
    """The column that says the split: one named, or of a usual name whose first row holds one."""
    if reading.split_column:
        return table.column("the split", "--split-column", (), reading.split_column)
    usual = table.usual_column(SPLIT)
    return usual if usual and split_of(next(iter(table)).text(usual)) else None


def _split(row: Row, column: str) -> str:
    """The split that a row says.

    Raises:
        UserError: it is none.
    """
    found = split_of(row.text(column))
    if found is None:
        words = ", ".join(name for names in NAMES.values() for name in names)
        raise UserError(
            f"{row.where}: split {row.text(column)[:40]!r} in column {column}; expected {words}"
        )
    return found


def _decoded(entry: Labelled, class_names: tuple[str, ...]) -> Labelled:
    """A photo whose label is a code, with the name that the code stands for.

    Raises:
        UserError: it is no such code.
    """
    if entry.amounts or entry.label in class_names:
        return entry
    code = entry.label.removesuffix(".0")  # as a float, which programs make of whole numbers
    if code not in map(str, range(len(class_names))):
        raise UserError(
            f"{entry.where}: label {entry.label[:80]!r}; expected 0 to {len(class_names) - 1} or "
            f"{', '.join(class_names)}"
        )
    return Labelled(entry.where, entry.path, class_names[int(code)], split=entry.split)
