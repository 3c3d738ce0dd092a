"""Preparation of a small collection in small blocks, stopped where a test wants it."""

from pathlib import Path

import pytest

from helpers.stopping import note_every_block
from sentiment.data import prepare_data


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare in blocks of 16 or so photos, each of them noted."""
    note_every_block(monkeypatch, "sentiment.data.preparation")


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
