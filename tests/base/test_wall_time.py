"""Where a process's wall time goes."""

import sys
import time
from pathlib import Path

import pytest
from helpers.scripts import SRC, start

from sentiment.base.wall_time import WallTime


def test_each_moment_counts_once() -> None:
    began = time.perf_counter()
    spent = WallTime()
    spent.turn_to("building")
    time.sleep(0.02)
    with spent.part("features"):
        time.sleep(0.04)
    spent.set_aside("waiting", 0.01)
    spent.set_aside("waiting", 100)  # more than the part has
    with pytest.raises(KeyError), spent.part("saving"):
        raise KeyError
    seconds = spent.seconds
    assert [*seconds] == ["other", "building", "features", "waiting", "saving"]
    assert seconds["features"] >= 0.04
    assert seconds["waiting"] >= 0.02
    assert seconds["building"] < 0.02
    assert sum(seconds.values()) == pytest.approx(time.perf_counter() - began, abs=0.01)


def test_it_begins_when_the_process_was_started(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import time; time.sleep(0.5)\n"
        "from sentiment.base.wall_time import WALL_TIME\n"
        "WALL_TIME.begin('starting'); WALL_TIME.turn_to('steps'); time.sleep(0.2)\n"
        "print(sum(WALL_TIME.seconds.values()), WALL_TIME)"
    )
    began = time.time()
    done = start(sys.executable, script, PYTHONPATH=str(SRC))
    took = time.time() - began
    seconds, words = done.stdout.split(" ", 1)
    assert 0.7 <= float(seconds) <= took + 0.02  # the system's clock ticks are 0.01 s
    assert float(seconds) > took - 0.5  # of which the process's end is a part
    assert words.startswith("Of 0:00:0")
    assert "starting 0:00:0" in words
