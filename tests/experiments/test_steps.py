"""Steps that have a time together."""

import sys
import time
from pathlib import Path

import pytest

from sentiment.base.project import Folders
from sentiment.base.time_budget import TimeBudget
from sentiment.experiments import steps
from sentiment.experiments.steps import Step
from sentiment.runs.run_files import Run, TrainingData

TRAINS = """
import json, pathlib, sys
stopped = "--max-minutes" in sys.argv
pathlib.Path(sys.argv[1]).write_text(json.dumps({"status": "stopped" if stopped else "finished"}))
"""

SAVES = """
import pathlib, signal, sys, time
def save(*_):
    pathlib.Path(sys.argv[1]).touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
time.sleep(60)
"""


def test_a_training_that_its_time_stops_ends_the_steps_and_the_same_command_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    run = Run("mobilenet", "fc", TrainingData("t4sa"), Folders(tmp_path, tmp_path, tmp_path))
    run.manifest.parent.mkdir()
    made = tmp_path / "report"
    training = steps.argv(Path("-c"), TRAINS, str(run.manifest))
    report = steps.argv(Path("-c"), "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()",
                        str(made))  # fmt: skip
    in_order = [
        Step("prepare", "prepare", [], finished=True),
        Step("train", "train fc", training, trains=run),
        Step("report", "report", report),
    ]
    log_file = tmp_path / "run_all.log"
    assert not steps.run_in_order(in_order, "t4sa", log_file, False, TimeBudget(2))
    assert caplog.messages[-1] == (
        " stopped by --max-minutes 2; 2 steps left; the same command goes on"
    )
    assert " --max-minutes " in log_file.read_text()
    assert not made.exists()
    assert steps.run_in_order(in_order, "t4sa", log_file, False, TimeBudget())
    assert made.exists()


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
