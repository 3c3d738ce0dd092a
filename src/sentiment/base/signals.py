"""Signals that end a process: put off until its work can be taken up again, or handed on."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from types import FrameType

Handler = Callable[[int, FrameType | None], object]

SECONDS_OF_ONE = 1.0
"""Schedulers send the same signal to a process and to what it has started, which hands it on."""


class Terminated(BaseException):
    """The system asked the process to end, as batch schedulers do when its time is over."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """As shells have it: 143 for SIGTERM, 129 for SIGHUP."""


def raise_on_termination() -> None:
    """Let SIGTERM and SIGHUP, a terminal's end, raise Terminated where Ctrl-C would raise too."""

    def terminate(number: int, _: FrameType | None) -> None:
        raise Terminated(number)

    for number in set(_ending()) - {signal.SIGINT}:
        signal.signal(number, terminate)


class Deferred:
    """Whether a signal has come; true if one has."""

    restore: Callable[[], None]
    """Gives the signals back to those that handled them."""

    def __init__(self) -> None:
        self._asked: int | None = None
        self._since = 0.0

    def __bool__(self) -> bool:
        return self._asked is not None

    @property
    def number(self) -> int:
        """Of the signal that has come, or 0."""
        return self._asked or 0

    def act(self) -> None:
        """Obey the signal that has come, if any, from now on as it comes."""
        if self._asked is not None:
            self.restore()
            signal.raise_signal(self._asked)

    def handle(self, number: int, _: FrameType | None) -> None:
        if self._asked is None:
            self._asked, self._since = number, time.monotonic()
        elif time.monotonic() - self._since > SECONDS_OF_ONE:
            self.act()  # a person who does not want to wait


@contextlib.contextmanager
def deferred() -> Iterator[Deferred]:
    """Put signals off during the block, or until `act` is called; a second one acts at once."""
    pending = Deferred()
    with _handled_by(pending.handle) as pending.restore:
        yield pending
        pending.act()


def run(command: list[str], **options: object) -> subprocess.CompletedProcess:
    """Run a script of this project as subprocess.run does, and hand signals on to it.

    It is waited for, so that it can save what it has, and then the signal is obeyed here.
    """
    # In a group of its own, or the terminal would send it Ctrl-C too.
    with (
        subprocess.Popen(command, process_group=0, **options) as process,
        handed_on_to(process) as asked,
    ):
        output, errors = process.communicate()
    for number in asked[:1]:
        signal.raise_signal(number)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


@contextlib.contextmanager
def handed_on_to(process: subprocess.Popen) -> Iterator[list[int]]:
    """Hand signals on to a process during the block; yield those that came."""
    asked: list[int] = []

    def hand_on(number: int, _: FrameType | None) -> None:
        asked.append(number)
        process.send_signal(number)

    with _handled_by(hand_on):
        yield asked


def _ending() -> list[int]:
    """The signals that end a process; not those that nohup, for one, has set aside."""
    known = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    return [number for number in known if number and signal.getsignal(number) != signal.SIG_IGN]


@contextlib.contextmanager
def _handled_by(handler: Handler) -> Iterator[Callable[[], None]]:
    """Handle the signals so during the block; yield what ends it earlier."""
    before = {number: signal.signal(number, handler) for number in _ending()}

    def restore() -> None:
        for number, theirs in before.items():
            signal.signal(number, theirs)

    try:
        yield restore
    finally:
        restore()
