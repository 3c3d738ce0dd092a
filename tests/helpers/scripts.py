"""The checkout's scripts as real processes, and what a test expects of them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from helpers import warm

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
NETWORKS = sorted(file.parent.name for file in SRC.glob("*/architecture.py"))
"""Names of all networks, found as the library finds them."""
SMALLEST = {"vit": "ti16"}
"""The variant of a network that tests can afford, where it is not the first."""
TRAINING_SCRIPTS = sorted(SRC.glob("*/[!r]*_layer_train_*.py"))


def start(
    *command: object, cwd: Path | None = None, **settings: str
) -> subprocess.CompletedProcess:
    """Run a command to its end as a person would; `settings` are more environment variables."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | settings,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """Content of the files of prepared data, but for hidden files and the manifests.

    A manifest tells times, so the lines of SHA256SUMS about manifests are left out as well.
    """
    return {
        str(path.relative_to(folder)): b"".join(
            line for line in path.read_bytes().splitlines(True) if b" manifest" not in line
        )
        for path in sorted(folder.rglob("[!.]*"))
        if path.is_file() and not path.name.startswith("manifest")
    }


def run(script: Path | str, *words: object, **settings: str) -> subprocess.CompletedProcess:
    """Run one of the project's scripts with this Python, by `warm` where that can be."""
    if {"KERAS_BACKEND", "PYTHONPATH"} & (os.environ | settings).keys():
        return start(sys.executable, ROOT / script, *words, **settings)
    return warm.run([ROOT / script, *words], os.environ | settings)


def succeed(script: Path | str, *words: object, **settings: str) -> str:
    """Run a script that must succeed; return what it printed."""
    done = run(script, *words, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refusal(script: Path | str, *words: object, **settings: str) -> str:
    """Run a script that must refuse with status 2 and one line; return the line."""
    done = run(script, *words, **settings)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def lacking(what: str) -> NoReturn:
    """Skip the test because something is not installed; in CI, fail."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}: nothing is skipped in CI")
    pytest.skip(what)
