"""A table of scores that somebody's teacher wrote: `TWID NEG NEU POS`."""

from array import array
from pathlib import Path

import numpy as np

from sentiment.base import files
from sentiment.cross_media import texts
from sentiment.cross_media.teacher import DIGITS, HEADER
from sentiment.data.collections import teacher_scores
from sentiment.data.tables import Table


def checked(file: Path) -> Path:
    """Return the file of a table of scores.

    Raises:
        UserError: it is missing, or lacks a column.
    """
    teacher_scores.columns_of(Table(file))
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
    name, *columns = teacher_scores.columns_of(table)
    keys, values = array("Q"), array("d")
    for row in table:
        keys.append(texts.key(row.text(name)))
        given = teacher_scores.probabilities(row, columns)
        values.extend(value / sum(given) for value in given)
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
