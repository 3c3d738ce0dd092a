"""Preparation of a small collection in small blocks, stopped where a test wants it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentiment.base import journal
from sentiment.data import prepare_data


class Stopped(BaseException):
    """Stands in for a kill, as Ctrl-C and SIGTERM do."""


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare in blocks of 16 or so photos, each of them noted."""
    monkeypatch.setattr("sentiment.data.preparation.BLOCK", 16)
    monkeypatch.setattr(journal, "SECONDS", 0)
    monkeypatch.setattr(os, "sync", lambda: None)  # what has been written outlives a process


@contextlib.contextmanager
def stopped(monkeypatch: pytest.MonkeyPatch, what: object, name: str, after: int) -> Iterator[None]:
    """End the block by a stop in place of a call of `what.name`, after `after` whole calls."""
    whole, calls = getattr(what, name), iter(range(after))

    def call(*args: object, **kwargs: object) -> object:
        if next(calls, None) is None:
            raise Stopped
        return whole(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(what, name, call)
        yield


def options(photos: Path, data_dir: Path, **more: object) -> prepare_data.Options:
    """Options that prepare `photos` under the name noise."""
    given = {"name": "noise", "data_dir": data_dir, "max_bad_percent": 10.0, "workers": 1}
    return prepare_data.Options("dogs", photos, **(given | more))


@pytest.fixture(scope="session")
def undisturbed(noise: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the noise, prepared at once in a single block; tests only read it."""
    work = tmp_path_factory.mktemp("undisturbed")
    prepare_data.prepare(options(noise, work))
    return work
