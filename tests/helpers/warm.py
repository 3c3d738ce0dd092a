"""Scripts as processes that start at once, by `sentiment.base.warm_start`, and what they print."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from sentiment.base import warm_start

EAGERLY = "RUN_FUNCTIONS_EAGERLY"
"""Environment variable of a script in which TensorFlow shall run operation by operation. For a few
images that takes seconds, where tracing a large network's graph takes a minute or two."""


class Process:
    """A script in a process of its own, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, command: list, environment: dict[str, str], cwd: Path | None = None):
        eagerly = [Path(__file__).with_name("eagerly.py")] if EAGERLY in environment else []
        words = [sys.executable, *map(str, [*eagerly, *command])]
        self._errors = tempfile.TemporaryFile("w+", errors="surrogateescape")  # noqa: SIM115
        reading, writing = os.pipe()
        self.stdout = os.fdopen(reading, errors="surrogateescape")
        with os.fdopen(writing, "w") as output:
            self._script = warm_start.start(words, cwd, environment, output, self._errors)
        self.pid = self._script.pid

    @property
    def returncode(self) -> int | None:
        return self._script.poll()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        return self._script.wait(timeout)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        with self.stdout, self._errors:
            output = self.stdout.read()
            self.wait(timeout)
            self._errors.seek(0)
            return output, self._errors.read()


def run(command: list, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Run a script with its words to its end, as `subprocess.run` does with `capture_output`."""
    process = Process(command, environment)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)
