"""CPU, memory and GPUs that a process uses, sampled while it works."""

import csv
import statistics
import threading
import time
from pathlib import Path

import psutil
import pynvml

from sentiment.base import files

COLUMNS = (
    "seconds",
    "cpu_percent",
    "cpu_percent_life",
    "rss_bytes",
    "vms_bytes",
    "gpu_memory_bytes",
    "gpu_percent",
)
"""Time since the start; CPU since the last sample and, as `ps` counts it, since the process
began (100 is one core); resident and virtual memory; memory and load of all GPUs, which stay
empty on a machine without a GPU."""

SECONDS_A_SAMPLE = 1.0


class Monitor:
    """Writes a row of COLUMNS to a CSV file each second until the block ends, and at least one.

    Args:
        resumed: the run goes on after a stop: append to its file, and count its seconds on.
    """

    def __init__(self, file: Path, resumed: bool = False):
        self.file, self.resumed = file, resumed and file.exists()
        self.latest: dict[str, float | None] = {}
        """The last row, by COLUMNS; empty before the first."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="monitor", daemon=True)

    def __enter__(self) -> "Monitor":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        process, gpus = psutil.Process(), _gpus()
        process.cpu_percent()  # the first call only starts the interval
        before = _seconds_in(self.file) if self.resumed else 0.0
        started, sampled = time.monotonic() - before, before > 0
        with self.file.open("a" if self.resumed else "w", newline="", buffering=1) as lines:
            table = csv.writer(lines)
            if not self.resumed:
                table.writerow(COLUMNS)
            while not self._stop.wait(SECONDS_A_SAMPLE) or not sampled:
                sampled = True
                interval = process.cpu_percent()
                times, memory = process.cpu_times(), process.memory_info()
                life = time.time() - process.create_time()
                row = (
                    round(time.monotonic() - started, 2),
                    interval,
                    round(100 * (times.user + times.system) / life, 1),
                    memory.rss,
                    memory.vms,
                    *_gpu_use(gpus),
                )
                table.writerow(row)
                self.latest = dict(zip(COLUMNS, row, strict=True))


class GpuLoad:
    """Mean load of all GPUs during a block, in `percent`; None on a machine without a GPU."""

    def __init__(self) -> None:
        self.percent: float | None = None
        self._gpus, self._stop = _gpus(), threading.Event()
        self._samples: list[float] = []
        self._thread = threading.Thread(target=self._sample, name="GPU load", daemon=True)

    def __enter__(self) -> "GpuLoad":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._samples:
            self.percent = statistics.fmean(self._samples)

    def _sample(self) -> None:
        while self._gpus and not self._stop.wait(SECONDS_A_SAMPLE / 10):
            _, load = _gpu_use(self._gpus)
            if load is not None:
                self._samples.append(load)


def gpu_names() -> list[str]:
    """Names of all GPUs, such as NVIDIA H100 80GB HBM3."""
    return [pynvml.nvmlDeviceGetName(gpu) for gpu in _gpus()]


def _seconds_in(file: Path) -> float:
    """Seconds in a file's last row; a torn row that a killed process left is cut off."""
    text = file.read_bytes()
    rows = text[: text.rfind(b"\n") + 1]
    if rows != text:
        with files.whole_file(file) as temporary:
            temporary.write_bytes(rows)
    last = rows.splitlines()[-1:] or [b""]
    try:
        return float(last[0].split(b",")[0])
    except ValueError:  # the header alone
        return 0.0


def _gpus() -> list:
    """NVML's handles of all GPUs."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no NVIDIA driver on this machine
        return []
    return [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]


def _gpu_use(gpus: list) -> tuple[int, float] | tuple[None, None]:
    """Bytes that all GPUs hold together, and their mean load in percent; None if unknown."""
    if not gpus:
        return None, None
    try:
        memory = sum(pynvml.nvmlDeviceGetMemoryInfo(gpu).used for gpu in gpus)
        load = sum(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu for gpu in gpus)
    except pynvml.NVMLError:  # part of a shared GPU, which reports no use
        return None, None

    return memory, load / len(gpus)
