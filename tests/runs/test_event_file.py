"""TensorBoard's record: what its reader finds after a stop, and what is said without it."""

import importlib.util
from pathlib import Path

import pytest
from helpers import event_files
from helpers.scripts import ROOT

from sentiment.base.errors import UserError
from sentiment.runs import event_file
from sentiment.runs.event_file import EventFile


def test_what_is_said_again_after_a_stop_is_found_once(tmp_path: Path) -> None:
    """Also: a record that a kill has torn is passed over."""
    first = EventFile(tmp_path, first_step=1)
    for step in (1, 2, 3, 4):
        first.add_scalars(step, {"loss": float(step)}, when=0.0)
    first.close()
    (torn,) = tmp_path.iterdir()
    torn.write_bytes(torn.read_bytes()[:-3])
    second = EventFile(tmp_path, first_step=3)
    second.add_scalars(3, {"loss": 0.5}, when=0.0)
    found = event_files.read(tmp_path).Scalars("loss")
    assert [(event.step, event.value) for event in found] == [(1, 1.0), (2, 2.0), (3, 0.5)]


def test_without_tensorboard_a_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    event_file.check_installed()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=f"not installed; pip install {event_file.TENSORBOARD}"):
        event_file.check_installed()
    assert event_file.TENSORBOARD in (ROOT / "tests/requirements.txt").read_text().split()
