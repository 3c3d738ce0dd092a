"""Notes of native code stay off the screen; everything else reaches it."""

import os
import sys
import threading

import pytest
from helpers.scripts import SRC, start

from sentiment.base import native_output

BODY = """
import os
from sentiment.base.native_output import without_lines

with without_lines(b"INFO: made", b"I0000 "):
    os.write(2, b"INFO: made a delegate\\nERROR: no memory\\nI0000 00:00 a note\\n")
    {body}
os.write(2, b"INFO: made after the block\\n")
"""


def test_a_note_is_left_out_and_an_error_is_not() -> None:
    done = start(sys.executable, "-c", BODY.format(body="pass"), PYTHONPATH=str(SRC))
    assert done.stderr == "ERROR: no memory\nINFO: made after the block\n"


def test_what_was_written_before_an_exception_stands_before_its_traceback() -> None:
    done = start(sys.executable, "-c", BODY.format(body="raise KeyError"), PYTHONPATH=str(SRC))
    assert done.stderr.startswith("ERROR: no memory\nTraceback")
    assert "note" not in done.stderr


def test_standard_error_that_nobody_reads_does_not_disturb() -> None:
    code = """
import os
from sentiment.base.native_output import without_lines

reading, writing = os.pipe()
os.close(reading)
os.dup2(writing, 2)
with without_lines(b"INFO"):
    os.write(2, b"ERROR: no memory\\n")
print("goes on")
"""
    assert start(sys.executable, "-c", code, PYTHONPATH=str(SRC)).stdout == "goes on\n"


def test_two_threads_leave_standard_error_where_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    before = os.fstat(2)

    def work() -> None:
        for _ in range(50):
            with native_output.without_lines(b"INFO"):
                os.write(2, b"INFO: a note\nWARNING: a warning\n")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.path.samestat(os.fstat(2), before)
    assert capfd.readouterr().err == "WARNING: a warning\n" * 200
