"""Work stopped at a chosen call, as a kill does, so that a test can let it go on."""

import contextlib
import os
from collections.abc import Iterator

import pytest

from sentiment.base import journal


class Stopped(BaseException):
    """Stands in for a kill, as Ctrl-C and SIGTERM do."""


@contextlib.contextmanager
def stopped(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, after: int
) -> Iterator[None]:
    """Let the block end in a call of `owner.name`, the one after so many."""
    whole, calls = getattr(owner, name), iter(range(after))

    def call(*args: object, **kwargs: object) -> object:
        if next(calls, None) is None:
            raise Stopped
        return whole(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(owner, name, call)
        yield


def note_every_block(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Let a module's work be done in blocks of 16 images or so, each of which is noted."""
    monkeypatch.setattr(f"{module}.BLOCK", 16)
    monkeypatch.setattr(journal, "SECONDS", 0)
    monkeypatch.setattr(os, "sync", lambda: None)  # what has been written outlives a process
