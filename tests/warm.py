"""Scripts as processes of their own that start at once: forked from one that has imported Keras.

Importing TensorFlow and Keras takes 5 s of a core, and the tests start hundreds of processes.
Nothing of this project is imported before the fork, nor has TensorFlow run an operation.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARIES = (
    "keras", "scipy.stats", "pandas", "matplotlib.pyplot", "sklearn.metrics", "PIL.Image", "tyro",
    "rich.progress", "joblib", "psutil", "jinja2",
)  # fmt: skip
"""Imported before the fork; what is missing is ignored."""

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # as sentiment.backend does
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(LIBRARIES))


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Run a script with its words to its end, as `subprocess.run` does with `capture_output`."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("output", "errors")]
        process = _context.Process(target=_run, args=(command, environment, files))
        process.start()
        process.join()
        said = [file.read_text() for file in files]
    return subprocess.CompletedProcess(command, process.exitcode, *said)


def _run(command: list[str], environment: dict[str, str], files: list[Path]) -> None:
    for descriptor, file in zip((1, 2), files, strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    script = Path(command[0])
    sys.argv = command
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")
