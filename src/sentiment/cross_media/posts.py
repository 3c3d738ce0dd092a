"""Posts, read row by row from a table of anybody's making."""

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sentiment.base.errors import UserError
from sentiment.cross_media import texts
from sentiment.cross_media.columns import Columns
from sentiment.data.collections.collection import inside
from sentiment.data.tables import Row, Table

NO = {"", "0", "0.0", "false", "no", "none", "null", "nan", "[]", "{}"}
"""What a column says, in lower case, of posts that are no repost or no reply."""

BETWEEN_PHOTOS = re.compile(r"(?:(?<=\.\w\w\w)|(?<=\.\w\w\w\w))\s*[;,|]\s*")
"""What divides several paths in one field; each but the last ends as `.jpg` or `.jpeg` does."""

MOST_PHOTOS = 5
"""Photos of a tweet in a raw release are numbered from 0 or 1, and are four at most."""


class Post(NamedTuple):
    """A post as its row tells it."""

    where: str
    """Its file and line, for messages."""
    id: str
    text: str
    """Normalised as `texts.normalised` does."""
    photos: tuple[str, ...]
    """Paths relative to the folder of the photos."""
    author: str
    """Empty where it is not known, as are language and time."""
    language: str
    time: str
    is_repost: bool
    is_reply: bool


class Posts:
    """A table of posts, whose rows are read anew by each loop over it.

    Args:
        file: the table.
        photos: the folder that the photos' paths are relative to.
        columns: the flags that name columns.

    Raises:
        UserError: the table or the folder is missing, or has not the columns that are needed.
    """

    def __init__(self, file: Path, photos: Path, columns: Columns):
        if not photos.is_dir():
            raise UserError(f"--photos {photos}: no such folder")
        self.file = file
        self.photos = photos
        """Folder that the photos' paths are relative to."""
        self._table = Table(file)
        self.columns = columns.found(self._table)
        """The table's columns by what they hold."""
        self.by_id = "photo" not in self.columns
        """Whether photos are found by their names, `NNNNN/ID-N.jpg`, as in the raw T4SA release."""
        self._raw = "data/" if (photos / "data").is_dir() else ""

    def __iter__(self) -> Iterator[Post]:
        """Yield the posts.

        Raises:
            UserError: a row, which is named by its line, is of another form.
        """
        return map(self._post, self._table)

    def count(self) -> int:
        """Number of posts; reading all rows also finds those of another form."""
        return sum(1 for _ in self._table)

    def _post(self, row: Row) -> Post:
        values = {what: row.text(column) for what, column in self.columns.items()}
        name, text = values["id"], texts.normalised(values["text"])
        if not re.fullmatch(r"[\w-]+", name):
            raise UserError(
                f"{row.where}: id {name[:40]!r}; expected letters, digits, - and _, for photos are "
                "named by it (a spreadsheet rounds long numbers: keep ids as text)"
            )
        return Post(
            where=row.where,
            id=name,
            text=text,
            photos=self._found(name) if self.by_id else self._listed(row),
            author=values.get("author", ""),
            language=re.split("[-_]", values.get("language", "").lower())[0],
            time=values.get("time", ""),
            is_repost=_said(values.get("repost"), text.startswith("RT @")),
            is_reply=_said(values.get("reply"), text.startswith("@")),
        )

    def _listed(self, row: Row) -> tuple[str, ...]:
        """Photos that a row lists, each once."""
        paths = map(str, _several(row.values.get(self.columns["photo"])))
        return tuple(dict.fromkeys(self._inside(path, row.where) for path in paths if path))

    def _inside(self, path: str, where: str) -> str:
        """The path relative to the folder of the photos."""
        pure = PurePosixPath(path)
        if pure.is_absolute() and pure.is_relative_to(self.photos):
            path = str(pure.relative_to(self.photos))
        return inside(path, where)

    def _found(self, name: str) -> tuple[str, ...]:
        """Photos of a post of the raw T4SA release, or of T4SA 2.0's."""
        paths = (f"{self._raw}{name[:5]}/{name}-{number}.jpg" for number in range(MOST_PHOTOS))
        return tuple(path for path in paths if (self.photos / path).is_file())


def _said(value: str | None, by_text: bool) -> bool:
    """What a column says of a post, or its text where there is no such column."""
    return by_text if value is None else value.lower() not in NO


def _several(value: object) -> list:
    """The values of a field that may hold several."""
    if isinstance(value, list | tuple):
        return list(value)
    text = "" if value is None else str(value).strip()
    if text.startswith("["):
        try:
            return list(json.loads(text))
        except ValueError:
            pass  # a file may be called so
    return BETWEEN_PHOTOS.split(text)
