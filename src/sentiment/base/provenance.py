"""Origin of a result: versions, commit, machine, command."""

import contextlib
import datetime
import os
import platform
import subprocess
import sys
from importlib import metadata

from sentiment.base.project import ROOT

PACKAGES = (
    "keras", "tensorflow", "tensorflow-cpu", "jax", "torch",
    "numpy", "bcolz-zipline", "pillow", "h5py",
)  # fmt: skip


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that results depend on."""
    installed = {"python": platform.python_version()}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name)
    return installed


def provenance() -> dict:
    """Command, commit, machine and versions of this process, as every manifest has them."""

    return {
        "command": sys.orig_argv,
        "git_commit": _git_commit(),
        "machine": platform.node(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "versions": versions(),
    }


def _git_commit() -> str | None:
    """The checkout's commit, with "+changes" if files differ from it; None outside git."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--match=", "--dirty=+changes"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return None
    return answer.stdout.strip() or None
