"""Probabilities noted in a journal while a test split is predicted: a stopped run goes on there."""

import base64
import logging
from pathlib import Path

import numpy as np

from sentiment.base.journal import Journal

log = logging.getLogger(__name__)


class UnfinishedPrediction:
    """The probabilities of a split's first images; those that a stopped run has noted are read.

    Args:
        file: the journal; it is removed by `remove` alone.
        plan: all that the probabilities depend on, JSON; one noted under another plan is left out.
        shape: shape of the probabilities of all images, (n, classes).
    """

    def __init__(self, file: Path, plan: dict, shape: tuple[int, int]):
        self._file, self._expected = file, shape[0]
        self._journal = Journal(file, plan)
        if self._journal.difference:
            log.info("  starts anew: an unfinished prediction is there with %s",
                     self._journal.difference)  # fmt: skip
            self._journal.rewind(0)
        noted = [base64.b64decode(block["y_prob"]) for block in self._journal.blocks]
        self._blocks = [np.frombuffer(block, "<f4").reshape(-1, shape[1]) for block in noted]
        self._noted = len(self._blocks)
        """How many of the blocks are in the journal."""
        self.images = sum(map(len, self._blocks))
        """How many images have probabilities."""
        if self.images:
            log.info("  goes on after %s of %s images", f"{self.images:,}", f"{shape[0]:,}")

    def add(self, block: np.ndarray) -> None:
        """Take the probabilities of the next images, float32 (b, classes), and note them if due."""
        self._blocks.append(block)
        self.images += len(block)
        if self._journal.due and self.images < self._expected:
            computed = np.concatenate(self._blocks[self._noted :]).astype("<f4")
            self._journal.add({"y_prob": base64.b64encode(computed.tobytes()).decode()})
            self._noted = len(self._blocks)

    @property
    def y_prob(self) -> np.ndarray:
        """The probabilities of all images so far, float32 (n, classes)."""
        return np.concatenate(self._blocks)

    def remove(self) -> None:
        """Remove the journal, once the result has been saved."""
        self._file.unlink()
