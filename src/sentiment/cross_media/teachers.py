"""Who reads the texts: VADER, a text classifier, or somebody's table of scores; or two of them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sentiment.base import sha256sums
from sentiment.cross_media import score_table, scoring, vader
from sentiment.cross_media.candidates import Candidates
from sentiment.cross_media.posts import Posts
from sentiment.cross_media.teacher import Strength, Teacher


class Reader(NamedTuple):
    """A teacher as the rest of the work sees it."""

    in_words: str
    """What it is, as the end of `read by ...`."""
    identity: Mapping[str, str]
    """Everything that its scores depend on."""
    strength: Strength
    scores: Callable[[Candidates, np.ndarray], np.ndarray]
    """Scores of the posts that need one, bool, shape (n,): float64, (n, 3), NaN for others."""


def chosen(teacher: str | None, scores: Path | None, posts: Posts, work: Path) -> list[Reader]:
    """The teacher whose labels count, and the one that is laid beside it if there are two.

    Args:
        teacher: the value of --teacher.
        scores: the value of --scores; alone, it takes the place of the teacher.
        posts: the posts.
        work: folder of the scores that are noted as they come.

    Raises:
        UserError: there is no such teacher.
    """
    readers = []
    if teacher or scores is None:
        readers.append(_of_teacher(_loaded(teacher or vader.Vader.name), posts, work))
    if scores is not None:
        readers.append(_of_table(scores))
    return readers


def _loaded(name: str) -> Teacher:
    if name == vader.Vader.name:
        return vader.Vader()
    from sentiment.cross_media.text_classifier import TextClassifier

    return TextClassifier(name)


def _of_teacher(teacher: Teacher, posts: Posts, work: Path) -> Reader:
    def scores(candidates: Candidates, needed: np.ndarray) -> np.ndarray:
        return scoring.score(posts, needed, candidates.text_keys, teacher, work)

    return Reader(teacher.in_words, teacher.identity, teacher.strength, scores)


def _of_table(file: Path) -> Reader:
    def scores(candidates: Candidates, needed: np.ndarray) -> np.ndarray:
        found = score_table.read(file, candidates.id_keys)
        found[~needed] = np.nan
        return found

    digest = sha256sums.of(score_table.checked(file))
    identity = {"teacher": f"the scores in {file.name}", "sha256": digest}
    return Reader(f"the scores in {file.name}", identity, Strength(), scores)
