"""Several ways to do the same work, timed in turn."""

import contextlib
import logging
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sentiment.base.monitor import GpuLoad
from sentiment.base.progress import progress


@dataclass
class Comparison:
    """Speeds of several ways to do the same work."""

    title: str
    base: str
    """The way that the others are compared with."""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    """Seconds for each image by way, one number a round."""
    gpu_percent: dict[str, list[float]] = field(default_factory=dict)
    """Mean load of the GPUs by way, one number a round; empty on a machine without a GPU."""

    def ratio(self, way: str) -> tuple[float, float, float]:
        """How many times as fast as the base a way is: by the medians, least, most of a round."""
        base, seconds = self.seconds[self.base], self.seconds[way]
        rounds = [b / s for b, s in zip(base, seconds, strict=True)]
        return statistics.median(base) / statistics.median(seconds), min(rounds), max(rounds)


def compare(title: str, base: str, ways: dict[str, Callable[[], float]], rounds: int) -> Comparison:
    """Take the ways in turn, so that changes in a machine's speed meet all of them alike.

    Each round starts with another way, as memory and caches still hold what ran before.

    Args:
        title: what is compared.
        base: the way that the others are compared with.
        ways: by name, functions that do the work and return seconds for each image.
        rounds: how often each way is taken, after one round that does not count.
    """
    measured = Comparison(title, base, {name: [] for name in ways})
    with progress(title, (rounds + 1) * len(ways), "runs") as advance:
        for number in range(rounds + 1):
            turn = number % len(ways)
            for name, work in [*ways.items()][turn:] + [*ways.items()][:turn]:
                with GpuLoad() as gpus, quiet():
                    seconds = work()
                if number:
                    measured.seconds[name].append(seconds)
                if number and gpus.percent is not None:
                    measured.gpu_percent.setdefault(name, []).append(gpus.percent)
                advance(1)
    return measured


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let this library log warnings alone during the block, and show no progress."""
    library = logging.getLogger("sentiment")
    level = library.level
    library.setLevel(logging.WARNING)
    try:
        yield
    finally:
        library.setLevel(level)
