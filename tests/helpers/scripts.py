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
"""Every network's folder, found as the library finds it."""
TRAINING_SCRIPTS = sorted(SRC.glob("*/[!r]*_layer_train_*.py"))


def start(
    *command: object, cwd: Path | None = None, **settings: str
) -> subprocess.CompletedProcess:
    """Run a command to its end as a person would, with more environment variables."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | settings,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """The content of prepared data, hidden files, and the manifest with its times, apart."""
    found = (path for path in sorted(folder.rglob("[!.]*")) if path.is_file())
    kept = {str(path.relative_to(folder)): path.read_bytes() for path in found}
    return {
        name: b"".join(line for line in content.splitlines(True) if b" manifest" not in line)
        for name, content in kept.items()
        if not Path(name).name.startswith("manifest")
    }


def run(script: Path | str, *words: object, **settings: str) -> subprocess.CompletedProcess:
    """Run one of the project's scripts with this Python, started warm where it can be."""
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
    """Skip a test for which something is not there, where a person runs it; in CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}: nothing is skipped in CI")
    pytest.skip(what)
