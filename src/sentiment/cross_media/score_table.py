"""A table of scores that somebody's teacher wrote: `TWID NEG NEU POS`."""

import math
from array import array
from pathlib import Path

import numpy as np

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.cross_media import texts
from sentiment.cross_media.teacher import DIGITS, HEADER
from sentiment.data.tables import Row, Table

USUAL = {
    "the id": ("twid", "id", "tweet_id", "post_id", "id_str", "status_id"),
    "the negative score": ("neg", "negative", "label_0"),
    "the neutral score": ("neu", "neutral", "label_1"),
    "the positive score": ("pos", "positive", "label_2"),
}
"""Usual names of the columns, the most certain first; T4SA's own come first."""


def checked(file: Path) -> Path:
    """Return the file of a table of scores.

    Raises:
        UserError: it is missing, or lacks a column.
    """
    _columns(Table(file))
    return file


def read(file: Path, ids: np.ndarray) -> np.ndarray:
    """Read the scores of n posts.

    Args:
        file: the table.
        ids: numbers of the posts' ids as `texts.key` makes them, uint64, shape (n,).

    Returns:
        float64, shape (n, 3), each row's sum is 1; NaN for posts without a score.

    Raises:
        UserError: a column is missing, or a row, which is named, holds no scores.
    """
    table = Table(file)
    name, *columns = _columns(table)
    keys, values = array("Q"), array("d")
    for row in table:
        keys.append(texts.key(row.text(name)))
        values.extend(_scores(row, columns))
    known = np.frombuffer(keys, np.uint64)
    scores = np.frombuffer(values).reshape(-1, len(HEADER))
    return np.round(joined(ids, known, scores), DIGITS)


def joined(wanted: np.ndarray, keys: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Scores of n wanted keys, (n, 3), of m that are known, (m, 3); NaN where there is none."""
    found = np.full((len(wanted), len(HEADER)), np.nan)
    if len(keys):
        keys, first = np.unique(keys, return_index=True)
        places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
        there = keys[places] == wanted
        found[there] = scores[first[places[there]]]
    return found


def write(file: Path, ids: list[str], scores: np.ndarray) -> None:
    """Write the scores of n posts, whole or not at all, in T4SA's form.

    Args:
        file: the table, tab-separated.
        ids: the posts' ids.
        scores: their scores, shape (n, 3).
    """
    with files.whole_file(file) as temporary, temporary.open("w", newline="\n") as lines:
        lines.write("\t".join(("TWID", *HEADER)) + "\n")
        for name, of_post in zip(ids, scores, strict=True):
            lines.write(line(name, of_post))


def line(name: str, scores: np.ndarray) -> str:
    """A line of a table of scores."""
    return "\t".join([name, *(f"{score:.{DIGITS}f}" for score in scores.tolist())]) + "\n"


def _columns(table: Table) -> list[str]:
    """The columns of the id and of the scores."""
    return [table.column(what, "the header", usual) for what, usual in USUAL.items()]


def _scores(row: Row, columns: list[str]) -> list[float]:
    """A row's scores, whose sum is made 1.

    Raises:
        UserError: they are no probabilities or shares.
    """
    values = [row.number(column) for column in columns]
    total = sum(values)
    if not math.isfinite(total) or min(values) < 0 or not total:
        raise UserError(
            f"{row.where}: {', '.join(map(str, values))}; expected the probabilities of negative, "
            "neutral and positive"
        )
    return [value / total for value in values]
