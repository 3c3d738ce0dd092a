"""Scripts as processes of their own that start at once: forked from one that has imported Keras.

Importing TensorFlow and Keras takes 5 s of a core, and the tests start hundreds of processes.
Nothing of this project is imported before the fork, nor has TensorFlow run an operation.
"""

import multiprocessing.connection
import multiprocessing.forkserver
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARIES = (
    "keras", "scipy.stats", "pandas", "matplotlib.pyplot", "sklearn.metrics", "PIL.Image", "tyro",
    "rich.progress", "joblib", "psutil", "jinja2",
)  # fmt: skip
"""Packages imported before the fork; those that are not installed are passed over."""

EAGERLY = "RUN_FUNCTIONS_EAGERLY"
"""Environment variable of a script in which TensorFlow shall run operation by operation. For a few
images that takes seconds, where tracing a large network's graph takes a minute or two."""

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # as sentiment.engine.backend does
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(LIBRARIES))


def import_in_background() -> None:
    """Start the process that imports the libraries, which the first script does otherwise."""
    multiprocessing.forkserver.ensure_running()


class Process:
    """A script in a process of its own, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, command: list, environment: dict[str, str], cwd: Path | None = None):
        self._errors = tempfile.NamedTemporaryFile("r", errors="surrogateescape")  # noqa: SIM115
        reading, writing = _context.Pipe(duplex=False)
        words = [str(word) for word in command]
        settings = words, dict(environment), cwd, writing, self._errors.name
        self._process = _context.Process(target=_run, args=settings)
        self._process.start()
        writing.close()
        self.stdout = os.fdopen(os.dup(reading.fileno()), errors="surrogateescape")
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("the script", timeout)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        with self.stdout, self._errors:
            output = self.stdout.read()
            self.wait(timeout)
            return output, self._errors.read()


def run(command: list, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Run a script with its words to its end, as `subprocess.run` does with `capture_output`."""
    process = Process(command, environment)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _run(
    command: list[str],
    environment: dict[str, str],
    cwd: Path | None,
    output: multiprocessing.connection.Connection,
    errors: str,
) -> None:
    os.dup2(output.fileno(), 1)
    os.dup2(os.open(errors, os.O_WRONLY), 2)
    output.close()
    sys.stdout.reconfigure(line_buffering=True)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd or Path.cwd())
    if EAGERLY in environment:
        import tensorflow as tf

        tf.config.run_functions_eagerly(True)
    sys.argv, sys.orig_argv = command, [sys.executable, *command]
    sys.path.insert(0, str(Path(command[0]).parent))
    runpy.run_path(command[0], run_name="__main__")
