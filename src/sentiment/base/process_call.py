"""A function called in a process of its own, which ends with the process that called.

Where the system can, that process is forked from one that has imported Keras. Its standard input is
a socket, through which the call comes and the answer goes.
"""

import contextlib
import os
import pickle
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Generic, TypeVar

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # not this folder: its files hide others

from sentiment.base import signals, warm_start
from sentiment.base.errors import UserError

Answer = TypeVar("Answer")


class ProcessCall(Generic[Answer]):
    """A call of one of this library's functions, which another process begins at once.

    A context manager: the process ends with the block, whether it has answered or not.

    Args:
        file: what the call is about, named where its process is killed.
        function: what is called; the process finds it by its name.
        arguments: what it is called with, sent as a pickle.
        warm: whether the process may be forked from one that has imported Keras.
    """

    def __init__(
        self,
        file: Path,
        function: Callable[..., Answer],
        *arguments: object,
        warm: bool = True,
    ) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._file, self._call = file, pickle.dumps((function, arguments))
        self._warm = warm
        self._answer = Future[Answer]()
        # A start may have to wait until Keras is imported, while this process has other work.
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self) -> "ProcessCall[Answer]":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # it has ended
            self._ours.shutdown(socket.SHUT_RDWR)

    def answer(self) -> Answer:
        """Wait for what the function returns.

        Raises:
            Exception: what the function raised.
            UserError: its process was killed.
        """
        return self._answer.result()

    def _run(self) -> None:
        try:
            with self._ours:
                answer = self._answered()
        except Exception as error:
            self._answer.set_exception(error)
        else:
            self._answer.set_result(answer)

    def _answered(self) -> Answer:
        """Start the process, send it the call, and return its answer or raise its error."""
        with self._theirs as theirs:
            command = [sys.executable, __file__]
            process = warm_start.start(command, stdin=theirs.fileno(), warm=self._warm)
        with process, self._ours.makefile("rb") as answers:
            try:
                self._ours.sendall(self._call)
                answer, error = pickle.load(answers)
            except (EOFError, OSError):
                raise self._why_ended(process.wait()) from None
        if error:
            raise error
        return answer

    def _why_ended(self, status: int) -> Exception:
        if status < 0:
            return UserError(f"{self._file}: its process was killed; is there memory enough?")
        return RuntimeError(f"{self._file}: its process ended with {status}, and has said why")


def _be_called() -> None:
    """Read a function and its arguments, call it and answer, unless the caller ends before."""
    with socket.socket(fileno=os.dup(0)) as connection:
        try:
            with connection.makefile("rb") as calls:
                function, arguments = pickle.load(calls)
        except EOFError:
            return
        signals.end_with(connection.fileno())
        answer: tuple[object, Exception | None]
        try:
            answer = function(*arguments), None
        except Exception as error:
            error.add_note(traceback.format_exc())
            answer = None, error
        connection.sendall(pickle.dumps(answer))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # ending in order takes a quarter of a second where Keras is loaded


if __name__ == "__main__":
    _be_called()
