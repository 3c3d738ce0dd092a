"""What `scripts/load_test.py` runs: how much of the machine the service hands on.

The service runs as a process of its own, on loopback. Each round measures decoding and
inference alone and then every number of clients, so that a machine's changing moods spoil
all of them alike.
"""

import asyncio
import itertools
import logging
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
    """Of the service, and of decoding and inference alone."""
    clients: tuple[int, ...] = (1, 4, 32)
    """Requests under way at a time."""
    requests: int = 200
    """Of each number of clients, in each round."""
    rounds: int = 3
    steady: int = 0
    """Send so many requests more, and print the service's memory ten times on the way."""


@dataclass
class Measured:
    """Requests, or photos alone, of all rounds."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the process that decoded and inferred."""
    each: tuple[float, ...] = ()
    """Seconds a request took."""

    def add(self, seconds: float, cpu_seconds: float, each: list[float]) -> None:
        self.seconds += seconds
        self.cpu_seconds += cpu_seconds
        self.each += tuple(each)

    @property
    def rate(self) -> float:
        return len(self.each) / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_seconds / len(self.each)

    def ms(self, percent: float) -> float:
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
            port = _port(process)
            service = psutil.Process(process.pid)
            asyncio.run(_send(port, contents, 4, 50))  # warm-up
            _alone(models, contents, 50)
            _compare(options, models, contents, port, service)
            if options.steady:
                _steady(options, contents, port, service)
        finally:
            process.terminate()


def _port(process: subprocess.Popen) -> int:
    for line in process.stdout:
        if found := re.search(r"http://[^/]*:(\d+)/", line):
            return int(found[1])
    raise UserError("the service did not start; see its message above")


def _compare(
    options: Options,
    models: list[LitertModel],
    contents: list[bytes],
    port: int,
    service: psutil.Process,
) -> None:
    one, all_cores = Measured(), Measured()
    served = {clients: Measured() for clients in options.clients}
    for _ in range(options.rounds):
        one.add(*_alone(models[:1], contents, options.requests))
        all_cores.add(*_alone(models, contents, options.requests))
        for clients, measured in served.items():
            before = sum(service.cpu_times()[:2])
            seconds, each = asyncio.run(_send(port, contents, clients, options.requests))
            measured.add(seconds, sum(service.cpu_times()[:2]) - before, each)
    log.info("decoding and inference alone, %d photos", len(one.each))
    log.info("  1 thread: p50 %.1f ms, CPU %.1f ms a photo", one.ms(50), one.cpu_ms)
    what = "%d threads: %.1f photos/s, CPU %.1f ms a photo"
    log.info("  " + what, options.threads, all_cores.rate, all_cores.cpu_ms)
    log.info("the service, %d requests of one photo each", options.rounds * options.requests)
    log.info("  clients  requests/s  of alone   p50 ms   p95 ms   p99 ms   CPU ms a request")
    for clients, m in served.items():
        log.info(
            "  %7d  %10.1f  %7.0f %%  %7.1f  %7.1f  %7.1f  %17.1f",
            clients, m.rate, 100 * m.rate / all_cores.rate, m.ms(50), m.ms(95), m.ms(99), m.cpu_ms,
        )  # fmt: skip


def _steady(options: Options, contents: list[bytes], port: int, service: psutil.Process) -> None:
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
    """Decode and predict `count` photos, a thread a model: seconds, CPU seconds, each."""
    turns = iter(range(count))  # next() on it is safe among threads

    def work(model: LitertModel) -> list[float]:
        each = []
        for turn in turns:
            started = time.perf_counter()
            model.predict(decode(contents[turn % len(contents)])[None])
            each.append(time.perf_counter() - started)
        return each

    started, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(len(models)) as pool:
        each = list(itertools.chain(*pool.map(work, models)))
    return time.perf_counter() - started, time.process_time() - cpu, each


async def _send(
    port: int, contents: list[bytes], clients: int, count: int
) -> tuple[float, list[float]]:
    """Send `count` requests by so many clients: seconds in all, and of each."""
    turns = iter(range(count))
    each = []

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
            answer = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", answer)[1]))
            if not answer.startswith(b"HTTP/1.1 200"):
                raise UserError(f"the service answered {answer.splitlines()[0].decode()}")
            each.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - started, each
