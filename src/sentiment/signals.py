"""Ctrl-C and SIGTERM put off until work is at a point where it can be taken up again."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

DEFERRED = (signal.SIGINT, signal.SIGTERM)


class Deferred:
    """What has been asked for so far."""

    def __init__(self) -> None:
        self.asked: int | None = None
        self._handlers = {number: signal.getsignal(number) for number in DEFERRED}

    def __bool__(self) -> bool:
        return self.asked is not None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take note of the first signal; the next one acts at once."""
        self.asked = number
        self.restore()

    def restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def act(self) -> None:
        """Do now what was asked for, if anything was."""
        if self.asked:
            signal.raise_signal(self.asked)


@contextlib.contextmanager
def deferred() -> Iterator[Deferred]:
    """Put the signals off during the block, or until `act` is called."""
    pending = Deferred()
    for number in DEFERRED:
        signal.signal(number, pending.handle)
    try:
        yield pending
    finally:
        pending.restore()
