"""Arrays whose memory is used again as soon as nobody holds them any more."""

import weakref
from collections import defaultdict, deque

import numpy as np


class ReusedMemory:
    """Gives out arrays to fill, of one dtype, in the memory of arrays that nobody holds any more.

    The system clears new memory page by page, which takes longer than reading into it.
    """

    def __init__(self, dtype: np.dtype):
        self._dtype = dtype
        self._free: defaultdict[tuple[int, ...], deque[np.ndarray]] = defaultdict(deque)

    def empty(self, shape: tuple[int, ...]) -> np.ndarray:
        """An array of any content, whose memory no living array shares."""
        free = self._free[shape]
        memory = free.pop() if free else np.empty(shape, self._dtype)
        loan = _Loan(memory)
        weakref.finalize(loan, free.append, memory).atexit = False
        return np.asarray(loan)


class _Loan:
    """Kept alive by the array given out and by every view of it, so that it ends with the last."""

    def __init__(self, memory: np.ndarray):
        self.__array_interface__ = memory.__array_interface__
