"""What `scripts/load_test.py` runs: a client that puts load on the service and measures it.

No part of the server: the service runs as a process of its own, on loopback. Each round measures
decoding and inference without the service, and then the service under every number of clients, so
that a machine's changing speed spoils all of them alike.
"""

import asyncio
import itertools
import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from sentiment.base import cli, project
from sentiment.base.errors import UserError
from sentiment.data.decode import decode
from sentiment.inference.litert import LitertModel
from sentiment.service.serve import Options as ServeOptions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/load_test.py`."""

    photos: Path
    """Folder with JPEG photos, at any depth; the first 200 are sent in turn."""
    model: Path = ServeOptions.model
    """An exported model, a .tflite file."""
    threads: int = ServeOptions.threads
    """Threads of the service, and of decoding and inference without it."""
    clients: tuple[int, ...] = (1, 4, 32)
    """Numbers of requests under way at a time."""
    requests: int = 200
    """Requests of each number of clients in a round."""
    rounds: int = 3
    """Rounds that measure all of it."""
    steady: int = 0
    """Send so many requests more, and print the service's memory ten times on the way."""


@dataclass
class Times:
    """Times of requests, or of photos without the service, over all rounds."""

    seconds: float = 0.0
    """Seconds from the first request to the last answer, summed over rounds."""
    cpu_seconds: float = 0.0
    """CPU seconds of the process that decoded and inferred."""
    each: list[float] = field(default_factory=list)
    """Seconds of every request."""

    def add(self, seconds: float, cpu_seconds: float, each: list[float]) -> None:
        """Add a round."""
        self.seconds += seconds
        self.cpu_seconds += cpu_seconds
        self.each += each

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.each) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per request."""
        return 1000 * self.cpu_seconds / len(self.each)

    def ms(self, percent: float) -> float:
        """A percentile of the requests' milliseconds."""
        return 1000 * float(np.percentile(self.each, percent))


@cli.command()
def main() -> None:
    """Run `scripts/load_test.py`."""
    load_test(cli.parse(Options))


def load_test(options: Options) -> None:
    """Measure, and print a table.

    Raises:
        UserError: there are no photos, or the service does not start.
    """
    files = sorted(options.photos.glob("**/*.jp*g"))[:200]
    if not files:
        raise UserError(f"--photos {options.photos}: no JPEG photo in it")
    contents = [file.read_bytes() for file in files]
    models = [LitertModel(options.model) for _ in range(options.threads)]
    flags = ["--model", options.model, "--port", "0", "--threads", options.threads]
    command = [sys.executable, str(project.ROOT / "scripts" / "serve.py"), *map(str, flags)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = _port(process.stdout or ())
            service = psutil.Process(process.pid)
            asyncio.run(_send(port, contents, 4, 50))  # warm-up
            _alone(models, contents, 50)
            _compare(options, models, contents, port, service)
            if options.steady:
                _steady(options, contents, port, service)
        finally:
            process.terminate()


def _port(lines: Iterable[str]) -> int:
    """The port in what the service prints when it is ready."""
    for line in lines:
        if address := re.search(r"http://[^/]*:(\d+)/", line):
            return int(address[1])
    raise UserError("the service did not start; see its message above")


def _compare(
    options: Options,
    models: list[LitertModel],
    contents: list[bytes],
    port: int,
    service: psutil.Process,
) -> None:
    """Measure round by round, and print a line for each number of clients."""
    one_thread, all_threads = Times(), Times()
    served = {clients: Times() for clients in options.clients}
    for _ in range(options.rounds):
        one_thread.add(*_alone(models[:1], contents, options.requests))
        all_threads.add(*_alone(models, contents, options.requests))
        for clients, times in served.items():
            before = sum(service.cpu_times()[:2])
            seconds, each = asyncio.run(_send(port, contents, clients, options.requests))
            times.add(seconds, sum(service.cpu_times()[:2]) - before, each)
    log.info("decoding and inference alone, %d photos", len(one_thread.each))
    log.info("  1 thread: p50 %.1f ms, CPU %.1f ms a photo", one_thread.ms(50), one_thread.cpu_ms)
    log.info(
        "  %d threads: %.1f photos/s, CPU %.1f ms a photo",
        options.threads, all_threads.rate, all_threads.cpu_ms,
    )  # fmt: skip
    log.info("the service, %d requests of one photo each", options.rounds * options.requests)
    log.info("  clients  requests/s  of alone   p50 ms   p95 ms   p99 ms   CPU ms a request")
    for clients, times in served.items():
        log.info(
            "  %7d  %10.1f  %7.0f %%  %7.1f  %7.1f  %7.1f  %17.1f",
            clients, times.rate, 100 * times.rate / all_threads.rate,
            times.ms(50), times.ms(95), times.ms(99), times.cpu_ms,
        )  # fmt: skip


def _steady(options: Options, contents: list[bytes], port: int, service: psutil.Process) -> None:
    """Print the service's memory ten times while it answers `options.steady` requests."""
    sent, clients = 0, max(options.clients)
    log.info("memory, %d clients", clients)
    log.info("  %9s  %6.1f MB", "before", service.memory_info().rss / 1e6)
    for _ in range(10):
        asyncio.run(_send(port, contents, clients, options.steady // 10))
        sent += options.steady // 10
        log.info("  %9s  %6.1f MB", f"{sent:,}", service.memory_info().rss / 1e6)


def _alone(
    models: list[LitertModel], contents: list[bytes], count: int
) -> tuple[float, float, list[float]]:
    """Decode and predict `count` photos without the service, each model in a thread.

    Returns:
        Seconds in all, this process' CPU seconds, and the seconds of each photo.
    """
    turns = iter(range(count))  # next() on it is safe among threads

    def work(model: LitertModel) -> list[float]:
        each = []
        for turn in turns:
            started = time.perf_counter()
            model.predict(decode(contents[turn % len(contents)], model.side)[None])
            each.append(time.perf_counter() - started)
        return each

    started, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(len(models)) as pool:
        each = list(itertools.chain(*pool.map(work, models)))
    return time.perf_counter() - started, time.process_time() - cpu, each


async def _send(
    port: int, contents: list[bytes], clients: int, count: int
) -> tuple[float, list[float]]:
    """Send `count` requests from so many clients at a time.

    Returns:
        Seconds in all, and the seconds of each request.
    """
    turns = iter(range(count))
    each: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in turns:
            content = contents[turn % len(contents)]
            started = time.perf_counter()
            head = (
                "POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n"
                f"Content-Length: {len(content)}\r\n\r\n"
            )
            writer.write(head.encode() + content)
            status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            (length,) = (line[16:] for line in lines if line.startswith("content-length: "))
            await reader.readexactly(int(length))
            if not status.startswith("HTTP/1.1 200"):
                raise UserError(f"the service answered {status}")
            each.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - started, each
