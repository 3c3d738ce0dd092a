"""A teacher reads the texts that need a score; after a stop it goes on behind those it has read."""

import logging
import os
import re
from array import array
from pathlib import Path

import numpy as np

from sentiment.base.journal import Journal
from sentiment.base.progress import progress
from sentiment.cross_media import score_table
from sentiment.cross_media.posts import Posts
from sentiment.cross_media.teacher import DIGITS, HEADER, Teacher

log = logging.getLogger(__name__)


def score(
    posts: Posts, needed: np.ndarray, keys: np.ndarray, teacher: Teacher, folder: Path
) -> np.ndarray:
    """Score the posts that need it; equal texts are read once.

    Args:
        posts: n posts, which are read again.
        needed: whether a post needs a score, bool, shape (n,).
        keys: numbers of the posts' texts, uint64, (n,).
        teacher: who reads them.
        folder: where scores are noted as they come; what an earlier call has noted there of the
            same teacher is not read again.

    Returns:
        float64, shape (n, 3), rounded as they are written; NaN where none is needed.
    """
    notes = Notes(folder, teacher)
    scores = np.full((len(needed), len(HEADER)), np.nan)
    wanted = np.unique(keys[needed])
    unknown = set(wanted[~np.isin(wanted, notes.keys())].tolist())
    if notes.kept:
        log.info("  %s texts have been scored before", f"{len(wanted) - len(unknown):,}")
    rows = (row for row in zip(posts, needed.tolist(), keys.tolist(), strict=True) if row[1])
    batch: dict[int, str] = {}
    with progress("texts", len(wanted), "texts", len(wanted) - len(unknown)) as advance:
        for post, _, key in rows:
            if key in unknown:
                unknown.remove(key)
                batch[key] = post.text
            if len(batch) == teacher.block or (batch and not unknown):
                notes.add(list(batch), teacher.scores(list(batch.values())))
                advance(len(batch))
                batch = {}
    notes.close()
    scores[needed] = notes.scores_of(keys[needed])
    return scores


class Notes:
    """Scores by the numbers of their texts, in a file that grows block by block.

    Args:
        folder: folder of the file, which is named for the teacher.
        teacher: whose scores they are; those of another version of it are thrown away.
    """

    def __init__(self, folder: Path, teacher: Teacher):
        stem = "scores_" + re.sub(r"[^\w.-]", "_", teacher.name)[-100:]
        self._file = folder / f"{stem}.tsv"
        self._journal = Journal(folder / f"{stem}.journal", dict(teacher.identity))
        if self._journal.difference:
            log.info("  scores before were of %s: all are made anew", self._journal.difference)
            self._journal.rewind(0)
        self.kept = self._journal.blocks[-1]["bytes"] if self._journal.blocks else 0
        """Bytes of the file that an earlier call has left whole."""
        self._file.touch()
        if self._file.stat().st_size < self.kept:  # somebody has cut it
            self._journal.rewind(0)
            self.kept = 0
        os.truncate(self._file, self.kept)
        self._lines = self._file.open("a", newline="\n")

    def add(self, keys: list[int], scores: np.ndarray) -> None:
        """Note scores, shape (n, 3), of n texts."""
        self._lines.writelines(map(score_table.line, map(str, keys), scores))
        if self._journal.due:
            self._settle()

    def close(self) -> None:
        """Note that all has been written."""
        self._settle()
        self._lines.close()

    def keys(self) -> np.ndarray:
        """Numbers of the texts that have a score, uint64, (m,)."""
        return self._read()[0]

    def scores_of(self, keys: np.ndarray) -> np.ndarray:
        """Scores of texts by their numbers: float64, (n, 3)."""
        return score_table.joined(keys, *self._read())

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        keys, scores = array("Q"), array("d")
        with self._file.open() as lines:
            for line in lines:
                key, *values = line.split()
                keys.append(int(key))
                scores.extend(map(float, values))
        known = np.frombuffer(scores).reshape(-1, len(HEADER))
        return np.frombuffer(keys, np.uint64), np.round(known, DIGITS)

    def _settle(self) -> None:
        self._lines.flush()
        os.fsync(self._lines.fileno())
        self._journal.add({"bytes": self._file.stat().st_size})
