"""Signals that end a script are handed on to the script that it runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.scripts import SRC

pytestmark = pytest.mark.slow

PARENT = """
import sys
from sentiment.base import cli, signals

with cli.command():
    signals.run_script([sys.executable, "-c", sys.argv[1]])
"""
CHILD = """
import pathlib, signal, sys, time

def save(number, frame):
    time.sleep(0.5)
    pathlib.Path("saved").write_text(signal.Signals(number).name)
    sys.exit(1)

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, save)
print("ready", flush=True)
time.sleep(30)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_script_that_another_runs_may_save_before_both_end(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SRC)},
    )
    assert parent.stdout.readline() == "ready\n"
    parent.send_signal(number)
    _, errors = parent.communicate(timeout=30)
    assert (parent.returncode, (tmp_path / "saved").read_text()) == (code, number.name), errors
