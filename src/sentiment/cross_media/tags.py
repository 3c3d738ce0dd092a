"""What people say of posts: lists or tables of a photo or an id and its label."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sentiment.base.errors import UserError
from sentiment.cross_media.columns import USUAL
from sentiment.data.collections import photo_lists
from sentiment.data.collections.collection import SENTIMENTS
from sentiment.data.collections.photo_tables import LABEL, LIST
from sentiment.data.tables import Table

LABELS = (
    {name: code for code, name in enumerate(SENTIMENTS)}
    | {name[:3]: code for code, name in enumerate(SENTIMENTS)}
    | {str(code): code for code in range(len(SENTIMENTS))}
)  # fmt: skip
"""Labels by the words for them, lower case."""


def read(files: tuple[Path, ...]) -> dict[str, int]:
    """Read tags: 0, 1, 2 for negative, neutral, positive.

    Args:
        files: lists, lines as `data/7/7-1.jpg 2` in a file `.txt`, or tables of an id or a photo
            and a label.

    Returns:
        Tags by id or path as the files name them, and by the id in the name of a path's file.

    Raises:
        UserError: a file is missing or of another form, or a label, whose line is named, is none.
    """
    tags: dict[str, int] = {}
    for file in files:
        is_list = file.suffix.lower() == LIST
        for where, name, label in photo_lists.read(file) if is_list else _of_table(file):
            if label.lower() not in LABELS:
                raise UserError(
                    f"{where}: label {label[:40]!r}; expected 0, 1 or 2, or {', '.join(SENTIMENTS)}"
                )
            tags[name] = LABELS[label.lower()]
            path = PurePosixPath(name)
            if path.suffix:
                tags[path.stem.rpartition("-")[0] or path.stem] = tags[name]
    return tags


def _of_table(file: Path) -> Iterator[tuple[str, str, str]]:
    """Where each row of a table stands, its id or photo, and its label."""
    table = Table(file)
    name = table.column("the id or photo", "the header", USUAL["id"] + USUAL["photo"])
    label = table.column("the label", "the header", LABEL)
    for row in table:
        yield row.where, row.text(name), row.text(label)
