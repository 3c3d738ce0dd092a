"""Work done as the first of two processes, and then as the second, in this one."""

import sys
from collections.abc import Callable

import numpy as np
import pytest

from sentiment.engine import cluster


def as_two_processes(monkeypatch: pytest.MonkeyPatch, work: Callable[[int], None]) -> list[str]:
    """Do work as each of two processes; the second gets from every collective what the first gave.

    Args:
        work: is told the process's number.

    Returns:
        Names of the collectives that both called, in order.

    Raises:
        AssertionError: the second calls other collectives than the first, or in another order.
    """
    called: list[tuple[str, int | list[int]]] = []

    def as_first(value: int | list[int]) -> np.ndarray:
        called.append((sys._getframe(1).f_code.co_name, value))
        return np.array([value, value])

    def as_second(value: int | list[int]) -> np.ndarray:
        name, from_first = next(of_first, ("nothing more", 0))
        assert sys._getframe(1).f_code.co_name == name
        return np.array([from_first, value])

    for number, gathered in enumerate((as_first, as_second)):
        of_first = iter(called)
        with monkeypatch.context() as patch:
            patch.setattr(cluster, "_this", cluster._Process(number, count=2))
            patch.setattr(cluster, "_gathered", gathered)
            work(number)
    assert next(of_first, None) is None
    return [name for name, _ in called]
