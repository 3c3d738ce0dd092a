"""The time that a person gives a command, after which it stops as at a signal."""

import contextlib
import math
import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from sentiment.base.errors import UserError


class BudgetSpent(BaseException):
    """The time is over, or too little is left for what comes next; what was done is saved."""


class TimeBudget:
    """Minutes from now on; None is no end.

    Where they are over within `limit`, SIGALRM comes, which raises BudgetSpent, at once or, in
    `signals.deferred`, when the work is saved.

    Raises:
        UserError: the minutes are none, or less.
    """

    def __init__(self, minutes: float | None = None):
        if minutes is not None and not 0 < minutes < math.inf:
            raise UserError(f"--max-minutes {minutes:g}: expected more than 0")
        self.minutes = minutes
        self._end = math.inf if minutes is None else time.monotonic() + 60 * minutes

    @property
    def left(self) -> float:
        """Seconds that are left, from 0; infinity if there is no end."""
        return max(0.0, self._end - time.monotonic())

    @property
    def flags(self) -> list[str]:
        """The words that give a script the time that is left."""
        return [] if self.minutes is None else ["--max-minutes", f"{max(1, self.left) / 60:.3f}"]

    @contextlib.contextmanager
    def limit(self) -> Iterator[None]:
        """Raise BudgetSpent in the block, or until `disarm`, when the time is over."""
        if self.minutes is None:
            yield
            return
        before = signal.signal(signal.SIGALRM, _spent)
        signal.setitimer(signal.ITIMER_REAL, max(0.001, self.left))
        try:
            yield
        finally:
            self.disarm()
            signal.signal(signal.SIGALRM, before)

    def disarm(self) -> None:
        """Let the work under `limit` end undisturbed."""
        if self.minutes is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def stop(self) -> None:
        """Stop the work under `limit` now, for what comes next does not fit."""
        self.disarm()
        signal.raise_signal(signal.SIGALRM)

    def __str__(self) -> str:
        return f"--max-minutes {self.minutes:g}"


def _spent(number: int, _: FrameType | None) -> NoReturn:
    signal.setitimer(signal.ITIMER_REAL, 0)  # it may come early, for another process's time is over
    raise BudgetSpent
