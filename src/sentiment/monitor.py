"""What a process takes from its machine, sampled while it works."""

import csv
import threading
import time
from pathlib import Path

import psutil
import pynvml

COLUMNS = (
    "seconds",
    "cpu_percent",
    "cpu_percent_life",
    "rss_bytes",
    "vms_bytes",
    "gpu_memory_bytes",
    "gpu_percent",
)
"""Time since the start; CPU since the last sample and, as `ps` has it, since the process
began (100 is one core); resident and virtual memory; memory and load of all GPUs, empty
without one."""

SECONDS_A_SAMPLE = 1.0


class Monitor:
    """Writes a row of COLUMNS to a CSV file each second until the block ends."""

    def __init__(self, file: Path):
        self.file = file
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
        started = time.monotonic()
        with self.file.open("w", newline="", buffering=1) as lines:
            table = csv.writer(lines)
            table.writerow(COLUMNS)
            while not self._stop.wait(SECONDS_A_SAMPLE):
                interval = process.cpu_percent()
                times, memory = process.cpu_times(), process.memory_info()
                life = time.time() - process.create_time()
                table.writerow((
                    round(time.monotonic() - started, 2),
                    interval,
                    round(100 * (times.user + times.system) / life, 1),
                    memory.rss,
                    memory.vms,
                    *_gpu_use(gpus),
                ))  # fmt: skip


def _gpus() -> list:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no NVIDIA driver on this machine
        return []
    return [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]


def _gpu_use(gpus: list) -> tuple[int | str, float | str]:
    if not gpus:
        return "", ""
    try:
        memory = sum(pynvml.nvmlDeviceGetMemoryInfo(gpu).used for gpu in gpus)
        load = sum(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu for gpu in gpus)
    except pynvml.NVMLError:  # a part of a shared GPU does not tell
        return "", ""
    return memory, load / len(gpus)
