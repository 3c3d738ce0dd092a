"""Where a process's wall time goes: each moment counts as one part of its work."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sentiment.base import cli
from sentiment.base.progress import hours_minutes_seconds


class WallTime:
    """A process's wall time by parts, which sum to the whole: no moment counts twice."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}
        self._part, self._since = "other", time.perf_counter()

    def begin(self, part: str) -> None:
        """Begin anew with a part: when the process was started, or now in a notebook's."""
        self._spent = {}
        self._part, self._since = part, time.perf_counter() - _age()

    def turn_to(self, part: str) -> None:
        """Count the time from now on as a part's."""
        now = time.perf_counter()
        self._spent[self._part] = self._spent.get(self._part, 0.0) + now - self._since
        self._part, self._since = part, now

    @contextlib.contextmanager
    def part(self, part: str) -> Iterator[None]:
        """Count the block's time as a part's; also a decorator."""
        before = self._part
        self.turn_to(part)
        try:
            yield
        finally:
            self.turn_to(before)

    def set_aside(self, part: str, seconds: float) -> None:
        """Count so many seconds of the part under way, or all of it, as another part's."""
        self.turn_to(self._part)
        moved = min(seconds, self._spent[self._part])
        self._spent[self._part] -= moved
        self._spent[part] = self._spent.get(part, 0.0) + moved

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds until now by part, in the order in which the parts were turned to first."""
        self.turn_to(self._part)
        return {part: round(seconds, 3) for part, seconds in self._spent.items()}

    def __str__(self) -> str:
        seconds = self.seconds
        parts = (
            f"{part.replace('_', ' ')} {hours_minutes_seconds(spent)}"
            for part, spent in seconds.items()
            if round(spent)
        )
        return f"Of {hours_minutes_seconds(sum(seconds.values()))}: {', '.join(parts)}"


def _age() -> float:
    """Seconds since this process was started to run its script; 0 in a notebook's process."""
    if cli.place_of_script() is None:
        return 0.0
    if sys.platform == "linux":  # psutil would add when the system was started, in whole seconds
        ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]  # man 5 proc
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / os.sysconf("SC_CLK_TCK")
    import psutil  # --help does without

    return time.time() - psutil.Process().create_time()


WALL_TIME = WallTime()
"""This process's."""
