"""A network's output, noted in a journal while it predicts: a stopped run goes on there."""

import base64
import logging
from pathlib import Path

import numpy as np

from sentiment.base.journal import Journal

log = logging.getLogger(__name__)


class UnfinishedPrediction:
    """Probabilities, or logits, of a split's first images; those that a stopped run has noted are
    read.

    Args:
        file: the journal; it is removed by `remove` alone.
        plan: all that the output depends on, JSON; one noted under another plan is left out.
        shape: shape of the output for all images, (n, classes).
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
        """How many images have an output."""
        if self.images:
            log.info("  goes on after %s of %s images", f"{self.images:,}", f"{shape[0]:,}")

    def add(self, block: np.ndarray) -> None:
        """Take the output for the next images, float32 (b, classes), and note it if due."""
        self._blocks.append(block)
        self.images += len(block)
        if self._journal.due and self.images < self._expected:
            computed = np.concatenate(self._blocks[self._noted :]).astype("<f4")
            self._journal.add({"y_prob": base64.b64encode(computed.tobytes()).decode()})
            self._noted = len(self._blocks)

    @property
    def outputs(self) -> np.ndarray:
        """The output for all images so far, float32 (n, classes)."""
        return np.concatenate(self._blocks)

    def remove(self) -> None:
        """Remove the journal, once what is made of it has been saved."""
        self._file.unlink()
