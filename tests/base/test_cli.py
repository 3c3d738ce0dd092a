"""A command's end as a person sees it: one line on standard error, and a status."""

import sys

import pytest
from helpers.scripts import SRC, start

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
    "PermissionError(errno.EACCES, 'Permission denied', 'a.jpg')": (
        2, "error: a.jpg: Permission denied; change its permissions, or choose another place\n"
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
