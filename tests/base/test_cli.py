"""A command's end as a person sees it: one line on standard error, and a status."""

import json
import sys
from pathlib import Path

import pytest
from helpers.photo_collections import breeds
from helpers.scripts import ROOT, SRC, start

BODY = """
import errno
from sentiment.base import cli
from sentiment.base.errors import UserError

with cli.command():
    raise {error}
"""

ENDS = {
    "UserError('seed -1: expected\\n0 or more')": (2, "error: seed -1: expected 0 or more\n"),
    "OSError('unable to truncate a file')": (2, "error: output: unable to truncate a file\n"),
    "OSError('unable to open\\nthe second line')": (2, "error: output: unable to open\n"),
    "OSError()": (2, "error: output: OSError\n"),
    "OSError(errno.ENOSPC, 'No space left on device', 'model.keras')": (
        2, "error: model.keras: No space left on device; make room\n"
    ),
    "UserError('\\x1b]0;title\\x07\\u202egpj.jpg: bad')": (
        2, r"error: \x1b]0;title\x07\u202egpj.jpg: bad" "\n"
    ),
    "PermissionError(errno.EACCES, 'Permission denied', '\\x9b2J\\udcff.jpg')": (
        2, r"error: \x9b2J\udcff.jpg: Permission denied; change its permissions, or choose "
           "another place\n"
    ),
    "KeyboardInterrupt": (130, "\ninterrupted\n"),
}  # fmt: skip
"""By the error that is raised in a command, its status and what it prints."""


@pytest.mark.parametrize("error", ENDS)
def test_an_error_that_is_no_fault_of_the_program_ends_in_one_line(error: str) -> None:
    done = start(sys.executable, "-c", BODY.format(error=error), PYTHONPATH=str(SRC))
    assert (done.returncode, done.stderr) == ENDS[error]


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    done = start(sys.executable, "-c", BODY.format(error="KeyError"), PYTHONPATH=str(SRC))
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")


def test_a_locale_that_is_not_utf_8_changes_neither_names_nor_fingerprints(tmp_path: Path) -> None:
    source = breeds(tmp_path / "source", train=2, valid=2, test=2)
    for split in ("train", "valid", "test"):
        (source / split / "akita").rename(source / split / "秋田犬")
    ascii_only = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    prepare = [sys.executable, ROOT / "scripts/prepare_data.py", "dogs", "--source", source]
    for name, settings in {"utf_8": {}, "ascii": ascii_only}.items():
        done = start(*prepare, "--data-dir", tmp_path, "--name", name, **settings)
        assert done.returncode == 0, done.stderr
    manifests = [
        json.loads((tmp_path / n / "manifest.json").read_bytes()) for n in ("utf_8", "ascii")
    ]
    assert manifests[0]["fingerprint"] == manifests[1]["fingerprint"]
    assert manifests[1]["class_names"] == ["boxer", "秋田犬"]
    refused = start(sys.executable, "-X", "utf8=0", *prepare[1:], **ascii_only)
    assert refused.stderr == "error: Python reads files as ascii; start it with PYTHONUTF8=1\n"
