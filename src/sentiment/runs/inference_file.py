"""The JSON file with what a model's predictions cost on a CPU, read without trust."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.runs.run_files import BATCHES


@dataclass(frozen=True)
class Timing:
    """The calls of one format of a model."""

    format: str
    """Such as Keras or LiteRT."""
    milliseconds: dict[int, np.ndarray]
    """How long each call took, by the number of images a call, see BATCHES; float64 (calls,)."""
    weights_bytes: int
    """Size of the weights alone, without the optimiser's state."""
    peak_rss_bytes: int
    """The most resident memory that the process took."""


@dataclass(frozen=True)
class Inference:
    """What predicting costs on a CPU, in every format that was there."""

    model_start: str
    """When the training of the measured model began; tells models of the same name apart."""
    threads: int
    cpu: str
    machine: str
    timings: tuple[Timing, ...]
    """One or more; Keras' own is the first."""

    @property
    def weights_bytes(self) -> int:
        """Size of the weights as Keras holds them."""
        return self.timings[0].weights_bytes


def read(path: Path) -> Inference:
    """Read the costs that `scripts/measure_inference.py` wrote.

    Raises:
        UserError: the file is damaged.
    """
    content = files.read_json(path)
    try:
        timings = tuple(_timing(timing) for timing in content["measured"])
        if not timings:
            raise ValueError("nothing was measured")
        return Inference(
            model_start=content["model_start"],
            threads=content["threads"],
            cpu=content["cpu"],
            machine=content["machine"],
            timings=timings,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: damaged ({error})") from None


def _timing(content: dict) -> Timing:
    milliseconds = {size: np.array(content["milliseconds"][str(size)], float) for size in BATCHES}
    for times in milliseconds.values():
        if not (len(times) and np.isfinite(times).all()):
            raise ValueError("times that are no numbers")
    weights_bytes, peak_rss_bytes = content["weights_bytes"], content["peak_rss_bytes"]
    if min(weights_bytes, peak_rss_bytes) <= 0:
        raise ValueError("bytes that are not over 0")
    return Timing(content["format"], milliseconds, weights_bytes, peak_rss_bytes)
