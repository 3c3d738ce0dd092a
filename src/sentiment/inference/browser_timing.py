"""How fast a model runs in a browser on this machine, from a made camera's frames to answers."""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.base.project import ROOT
from sentiment.runs import frame_rate
from sentiment.runs.frame_rate import FrameRate

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names of the programs of browsers that can be told to make a camera's frames."""

FLAGS = (
    "--headless",
    "--no-first-run",
    "--no-sandbox",  # as the administrator, who has none; only this project's own page is opened
    "--use-fake-device-for-media-stream=fps=60",  # the most there is; 20 would bound fast models
    "--use-fake-ui-for-media-stream",
)

PATIENCE = 600
"""Seconds that a measurement may take."""


def browser() -> str:
    """The program of a browser on this machine.

    Raises:
        UserError: there is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise UserError(f"--browser: none of {', '.join(BROWSERS)} is on the PATH; install one")
    return found


def measured(model: Path, program: str, folder: Path) -> FrameRate:
    """Open the service's page in a browser, which measures itself, and keep what it says.

    Args:
        model: an exported model, a `.tflite` file.
        program: the browser, as `browser` found it.
        folder: where the measurement is kept, beside those of other devices.

    Raises:
        UserError: the browser did not measure, such as where LiteRT.js is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.glob("*.json"))
    with tempfile.TemporaryDirectory() as profile, _service(model, folder) as page:
        command = [program, *FLAGS, f"--user-data-dir={profile}", f"{page}#measure"]
        with _process(command, stderr=subprocess.DEVNULL) as process:
            started = time.monotonic()
            while not (new := set(folder.glob("*.json")) - before):
                if process.poll() is not None or time.monotonic() - started > PATIENCE:
                    raise UserError(f"{model}: {program} did not measure it")
                time.sleep(0.2)
    return frame_rate.read(new.pop())


@contextlib.contextmanager
def _service(model: Path, folder: Path) -> Iterator[str]:
    """The service of a model while the block runs; yields the page's address."""
    words = ["--model", model, "--port", 0, "--threads", 1, "--keep-measurements", folder]
    command = [sys.executable, ROOT / "scripts" / "serve.py", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with _process(list(map(str, command)), **pipes) as process:
        line = ""
        for line in process.stdout or ():
            if "photos go to this server, for" in line:
                raise UserError(f"{model}: not for a browser: {line.partition(', for ')[2]}")
            if found := re.search(r"(http://\S+/) the page", line):
                yield found[1]
                return
        raise UserError(f"{model}: the service did not start: {line}")


@contextlib.contextmanager
def _process(command: list[str], **options: object) -> Iterator[subprocess.Popen]:
    """A process that ends with the block."""
    with subprocess.Popen(command, **options) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.terminate()
