"""Several ways to do the same work, timed in turn."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from sentiment.base.monitor import GpuLoad
from sentiment.base.progress import progress


@dataclass
class Comparison:
    """Seconds an image of each way, in every round."""

    title: str
    base: str
    """The way that the others are held against."""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    gpu_percent: dict[str, list[float]] = field(default_factory=dict)
    """The GPUs' load of each way, in every round; nothing without a GPU."""

    def ratio(self, way: str) -> tuple[float, float, float]:
        """How many times as fast as the base: the medians' ratio, least and largest of a round."""
        base, other = self.seconds[self.base], self.seconds[way]
        rounds = [b / o for b, o in zip(base, other, strict=True)]
        return statistics.median(base) / statistics.median(other), min(rounds), max(rounds)


def compare(title: str, base: str, ways: dict[str, Callable[[], float]], rounds: int) -> Comparison:
    """Take the ways in turn, so that a machine's moods spoil all alike.

    Each round starts with another one: what ran before takes its share of memory and caches.

    Args:
        ways: by name, what does the work and returns its seconds an image.
        rounds: how often each is done, after one round that does not count.
    """
    measured = Comparison(title, base, {name: [] for name in ways})
    with progress(title, (rounds + 1) * len(ways), "runs") as advance:
        for number in range(rounds + 1):
            turn = number % len(ways)
            for name, work in [*ways.items()][turn:] + [*ways.items()][:turn]:
                with GpuLoad() as gpus:
                    seconds = work()
                if number:
                    measured.seconds[name].append(seconds)
                if number and gpus.percent is not None:
                    measured.gpu_percent.setdefault(name, []).append(gpus.percent)
                advance(1)
    return measured
