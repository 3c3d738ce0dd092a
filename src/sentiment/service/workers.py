"""Threads that decode and predict, and the queue before them, which has a limit."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sentiment.inference.interpreters import Interpreters
from sentiment.inference.litert import LitertModel
from sentiment.service import problems

Result = TypeVar("Result")


class Workers:
    """A pool of threads with an interpreter of the model each.

    Args:
        model: the exported model, a .tflite file.
        threads: number of pieces of work done at a time.
        max_waiting: number of pieces of work that may wait.
    """

    def __init__(self, model: Path, threads: int, max_waiting: int):
        self.threads, self.max_waiting = threads, max_waiting
        self.unfinished = 0
        """Pieces of work that wait or are being done."""
        self._mean_seconds = 0.0
        """Moving average of the seconds that a piece of work takes."""
        self._lock = threading.Lock()
        self.interpreters = Interpreters(model, threads)
        self._pool = ThreadPoolExecutor(threads, "worker")

    def check_room(self, pieces: int = 1) -> None:
        """Refuse more work than may wait.

        Raises:
            Problem: 503, with the seconds after which the queue will be empty.
        """
        if self.unfinished + pieces > self.threads + self.max_waiting:
            seconds = self.unfinished * self._mean_seconds / self.threads
            raise problems.busy(max(1, math.ceil(seconds)))

    async def run(
        self, pieces: Sequence[Callable[[LitertModel], Result]]
    ) -> list[Result | BaseException]:
        """Do pieces of work in the pool's threads.

        Returns:
            What each piece returned or raised, in order.

        Raises:
            Problem: 503, there are more pieces than may wait.
        """
        self.check_room(len(pieces))
        futures = [self._submit(piece) for piece in pieces]
        return await asyncio.gather(*map(asyncio.wrap_future, futures), return_exceptions=True)

    def close(self) -> None:
        """Wait for the work that is under way, and end the threads."""
        self._pool.shutdown()

    def _submit(self, piece: Callable[[LitertModel], Result]) -> Future[Result]:
        with self._lock:
            self.unfinished += 1
        future = self._pool.submit(self._do, piece)
        future.add_done_callback(self._finished)  # of a piece that is cancelled too
        return future

    def _finished(self, future: Future[Result]) -> None:
        with self._lock:
            self.unfinished -= 1

    def _do(self, piece: Callable[[LitertModel], Result]) -> Result:
        started = time.perf_counter()
        try:
            with self.interpreters.taken() as model:
                return piece(model)
        finally:
            self._mean_seconds += 0.1 * (time.perf_counter() - started - self._mean_seconds)
