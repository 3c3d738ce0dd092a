"""Steps that have a time together."""

import sys
import time
from pathlib import Path

import pytest

from sentiment.base.time_budget import TimeBudget
from sentiment.experiments import steps
from sentiment.experiments.steps import Step

SAVES = """
import pathlib, signal, sys, time
def save(*_):
    pathlib.Path(sys.argv[1]).touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
time.sleep(60)
"""


def test_a_step_that_the_time_does_not_suffice_for_may_save_its_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    saved = tmp_path / "saved"
    done = Step("first", "first", [sys.executable, "-c", ""])
    long = Step("second", "second", [sys.executable, "-c", SAVES, str(saved)])
    began = time.monotonic()
    all_done = steps.run_in_order(
        [done, long, done], "t4sa", tmp_path / "log", False, TimeBudget(2 / 60)
    )
    assert not all_done
    assert saved.exists()
    assert time.monotonic() - began < 30
    assert caplog.messages[-1] == (
        " stopped by --max-minutes 0.0333333; 2 steps left; the same command goes on"
    )
