"""Memory that goes back to the system once a large picture is done with."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of two parameters of mallopt(3), from glibc's malloc.h."""

LARGE = 4 * 2**20
"""Least bytes of a block that is given back at once: a picture of a million pixels."""


def give_back() -> None:
    """Let the memory of a large picture go back to the system once the picture is done with.

    glibc keeps more of it for reuse with every larger block that it has seen, up to 64 MB in each
    thread's part, unless it is told where large begins (mallopt(3)).
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # libraries other than glibc may lack it
            libc.mallopt(M_MMAP_THRESHOLD, LARGE)
            libc.mallopt(M_TRIM_THRESHOLD, 2 * LARGE)
