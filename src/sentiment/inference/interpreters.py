"""An exported model loaded once for each thread, and its answer to one photo's bytes."""

import contextlib
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment.base import sha256sums
from sentiment.data.decode import decode
from sentiment.inference.litert import LitertModel
from sentiment.model import model_file


@dataclass(frozen=True)
class Answer:
    """What a model says of one photo, and what that took; all times are in seconds."""

    label: str
    """The class with the largest probability."""
    probabilities: np.ndarray
    """float32 (classes,)."""
    pixels: np.ndarray
    """The photo as the model saw it, uint8 (side, side, 3)."""
    decode_seconds: float
    inference_seconds: float


class Interpreters:
    """An interpreter of an exported model for each of some threads.

    Pillow and LiteRT let other threads run while they work, so the threads use a core each.
    Every photo is predicted by itself: per photo, a batch of MobileNetV2 costs more.

    Args:
        model: the exported model, a .tflite file.
        threads: how many threads may ask at a time.

    Raises:
        UserError: the file is damaged, no such model, or has learned from the test images.
    """

    def __init__(self, model: Path, threads: int):
        self.threads = threads
        model_file.check(model)
        self._free: queue.SimpleQueue[LitertModel] = queue.SimpleQueue()
        for _ in range(threads):
            loaded = LitertModel(model)
            loaded.predict(np.zeros((1, loaded.side, loaded.side, 3), np.uint8))
            self._free.put(loaded)
        self.card = loaded.card
        """The run's manifest."""
        model_file.refuse_leaking(model, self.card)
        self.class_names: list[str] = self.card["class_names"]
        self.version = sha256sums.of(model)[:12]
        """The first 12 digits of the SHA-256 of the model's file."""

    @contextlib.contextmanager
    def taken(self) -> Iterator[LitertModel]:
        """Yield an interpreter that no other thread uses during the block."""
        model = self._free.get()
        try:
            yield model
        finally:
            self._free.put(model)


def answer(content: bytes, model: LitertModel) -> Answer:
    """Decode and predict one photo.

    Raises:
        BadImage: the bytes are no whole picture of a known format.
    """
    started = time.perf_counter()
    pixels = decode(content, model.side)
    decoded = time.perf_counter()
    (probabilities,) = model.predict(pixels[None])
    label = model.card["class_names"][int(probabilities.argmax())]
    return Answer(label, probabilities, pixels, decoded - started, time.perf_counter() - decoded)
