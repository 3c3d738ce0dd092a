"""Signals that end a process: put off until its work is saved, or handed on to a child."""

import contextlib
import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, TypeVar

from sentiment.base import warm_start
from sentiment.base.warm_start import Script

Handler = Callable[[int, FrameType | None], object]
Process = TypeVar("Process", bound=subprocess.Popen | Script)

SECONDS_OF_ONE = 1.0
"""Signals within this time count as one: schedulers send a signal to a process and its children,
and the process hands it on to them too."""

LONGEST = 1e6
"""Seconds beyond which the system can wait for no script's end."""


class Terminated(BaseException):
    """The system asked the process to end, as batch schedulers do when its time is over."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """The status that shells give such a process: 143 for SIGTERM, 129 for SIGHUP."""


def raise_on_termination() -> None:
    """Let SIGTERM, and SIGHUP when a terminal closes, raise Terminated as Ctrl-C raises."""

    def terminate(number: int, _: FrameType | None) -> None:
        raise Terminated(number)

    for number in set(_ending()) - {signal.SIGINT}:
        signal.signal(number, terminate)


def end_with(descriptor: int) -> None:
    """Let this process end when the other end of a pipe or socket is closed, as by a parent's end.

    Args:
        descriptor: this process' end, which is read for nothing else from now on.
    """

    def wait() -> None:
        try:
            os.read(descriptor, 1)
        finally:  # a socket may also be reset
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class Deferred:
    """A signal that was put off; true once one has come."""

    restore: Callable[[], None]
    """Gives the signals back to the handlers that were there before."""

    def __init__(self) -> None:
        self._asked: int | None = None
        self._since = 0.0

    def __bool__(self) -> bool:
        return self._asked is not None

    @property
    def number(self) -> int:
        """Number of the signal that has come, or 0."""
        return self._asked or 0

    def act(self) -> None:
        """Obey the signal that has come, if any, and every later one at once."""
        if self._asked is not None:
            self.restore()
            signal.raise_signal(self._asked)

    def handle(self, number: int, _: FrameType | None) -> None:
        if self._asked in (None, signal.SIGALRM):  # a person or the system outdoes the alarm
            self._asked, self._since = number, time.monotonic()
        elif number != signal.SIGALRM and time.monotonic() - self._since > SECONDS_OF_ONE:
            self.act()  # a person who does not want to wait


@contextlib.contextmanager
def deferred() -> Iterator[Deferred]:
    """Put signals off during the block, or until `act` is called; a second one acts at once.

    The alarm of a time budget is put off as well.
    """
    pending = Deferred()
    with _handled_by(pending.handle, [*_ending(), signal.SIGALRM]) as pending.restore:
        yield pending
        pending.act()


def run_script(
    command: list[str],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: IO[str] | None = None,
    stderr: IO[str] | None = None,
    seconds: float = math.inf,
) -> int:
    """Run a script of this project to its end, and hand signals on.

    After a signal the script is waited for, so that it can save its work; then this process
    obeys the signal too.

    Args:
        command: as all but the last, what `warm_start.start` takes.
        seconds: after so many the script gets SIGTERM, and may save its work.

    Returns:
        Its status, or minus the number of the signal that ended it.
    """
    warm_start.template(command)  # while it is made ready, a signal still ends this process at once
    with handing_on(lambda: warm_start.start(command, cwd, env, stdout, stderr)) as (
        process, numbers,
    ):  # fmt: skip
        try:
            status = process.wait(seconds if seconds < LONGEST else None)
        except subprocess.TimeoutExpired:
            process.terminate()
            status = process.wait()
    for number in numbers[:1]:
        signal.raise_signal(number)
    return status


@contextlib.contextmanager
def handing_on(
    start: Callable[[], Process],
) -> Iterator[tuple[Process, list[int]]]:
    """Start a process, and hand signals on to it until it has ended, from before its start on.

    Yields:
        The process, and the list of the signals' numbers.
    """
    numbers: list[int] = []
    started: list[Process] = []

    def hand_on(number: int, _: FrameType | None) -> None:
        numbers.append(number)
        for process in started:
            process.send_signal(number)

    with _handled_by(hand_on, _ending()):
        process = start()
        with process:
            started.append(process)
            for number in numbers[:1]:  # one that came while it was started
                process.send_signal(number)
            yield process, numbers


def _ending() -> list[int]:
    """Signals that end this process; those that are ignored, as under nohup, are left out."""
    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    return [number for number in numbers if number and signal.getsignal(number) != signal.SIG_IGN]


@contextlib.contextmanager
def _handled_by(handler: Handler, numbers: list[int]) -> Iterator[Callable[[], None]]:
    """Handle signals with `handler` during the block; yield what stops that earlier."""
    before = {number: signal.signal(number, handler) for number in numbers}

    def restore() -> None:
        for number, previous in before.items():
            signal.signal(number, previous)

    try:
        yield restore
    finally:
        restore()
