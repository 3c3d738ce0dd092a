"""What a teacher, a reader of texts, says of posts: a table of `TWID NEG NEU POS`, as T4SA has."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np

from sentiment.base.errors import UserError
from sentiment.data.tables import Row, Table

BESIDE_LISTS = "scores.tsv"
"""Name of the table that is read without being named, where it lies beside the lists."""

ID = ("twid", "id", "tweet_id", "post_id", "id_str", "status_id")
"""Usual names of the column of posts, the most certain first."""

COLUMNS = (
    ("neg", "negative", "label_0"), ("neu", "neutral", "label_1"), ("pos", "positive", "label_2")
)  # fmt: skip
"""Usual names of the columns of probabilities, in the order of B-T4SA's codes."""


def post_of(path: str) -> str:
    """The post that a photo is of, by its name: `data/75801/758-1.jpg` is the first of post 758."""
    stem = PurePosixPath(path).stem
    return stem.rpartition("-")[0] or stem


def read(file: Path, paths: Iterable[str]) -> np.ndarray:
    """Read the probabilities of photos' posts; the table may have other posts too.

    Args:
        file: the table, in any form that `Table` reads. Only what the photos need of it is held.
        paths: paths of photos, in whose names their posts' ids stand.

    Returns:
        The shares of negative, neutral and positive for each photo, which sum to 1: float32 (n, 3).

    Raises:
        UserError: a photo's post is not in the table, or is there twice with other probabilities;
            or a row, which is named, holds no probabilities.
    """
    table = Table(file)
    listed = list(paths)
    posts = [post_of(path) for path in listed]
    found = _found(table, columns_of(table), set(posts))
    missing = [number for number, post in enumerate(posts) if post not in found]
    if missing:
        first = missing[0]
        raise UserError(
            f"{file}: no row for {len(missing):,} of {len(listed):,} photos, such as "
            f"{listed[first]} (TWID {posts[first]}); expected one for each photo"
        )
    amounts = np.array([found[post] for post in posts])
    return (amounts / amounts.sum(axis=1, keepdims=True)).astype(np.float32)


def columns_of(table: Table) -> list[str]:
    """The columns of the post's id and of the three probabilities.

    Raises:
        UserError: one is not there.
    """
    names = [table.usual_column(usual) for usual in (ID, *COLUMNS)]
    columns = [name for name in names if name]
    if len(columns) < len(names):
        raise UserError(
            f"{table.file}:1: expected the columns TWID, NEG, NEU and POS; it has "
            f"{', '.join(table.columns[:8])}"
        )
    return columns


def probabilities(row: Row, columns: list[str]) -> tuple[float, ...]:
    """A row's probabilities of negative, neutral and positive, or shares of any sum.

    Raises:
        UserError: they are none.
    """
    values = tuple(row.number(column) for column in columns)
    if not (min(values) >= 0 and 0 < sum(values) < float("inf")):
        raise UserError(
            f"{row.where}: probabilities {', '.join(map(str, values))}; expected none below 0, and "
            "one above"
        )
    return values


def _found(table: Table, columns: list[str], posts: set[str]) -> dict[str, tuple[float, ...]]:
    """The probabilities of those posts that the table has."""
    found: dict[str, tuple[float, ...]] = {}
    for row in table:
        post = row.text(columns[0])
        if post in posts:
            values = probabilities(row, columns[1:])
            if found.setdefault(post, values) != values:
                raise UserError(f"{row.where}: {post} is there twice, with other probabilities")
    return found
