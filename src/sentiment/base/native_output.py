"""Keeps notes that native code writes to standard error, past Python, off the screen."""

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import BinaryIO

_lock = threading.RLock()


@contextlib.contextmanager
def without_lines(*beginnings: bytes) -> Iterator[None]:
    """Hold back what the process writes to standard error in the block; at its end pass it on.

    For libraries that have no setting for it. Nothing is passed on if the process is killed in
    the block, or ends itself there without an exception.

    Args:
        beginnings: how the lines begin that are not passed on.
    """
    with _lock, _unnamed_file() as written:
        stderr = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            written.seek(0)
            _write(line for line in written if not line.startswith(beginnings))


def _unnamed_file() -> BinaryIO:
    """A file for a moment; in memory on Linux, where the service may have no disk to write on."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


def _write(lines: Iterator[bytes]) -> None:
    """Write to standard error, if anybody still reads it."""
    with contextlib.suppress(OSError), open(2, "wb", closefd=False) as stderr:
        stderr.writelines(lines)
