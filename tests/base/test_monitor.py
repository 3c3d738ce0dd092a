"""Tests of the table of what a run takes from its machine."""

import time
from pathlib import Path

import pandas as pd
import pytest

from sentiment.base import monitor
from sentiment.base.monitor import GpuLoad, Monitor


def test_even_the_shortest_run_has_a_sample_and_a_longer_one_goes_on_after_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "resources.csv"
    with Monitor(file):
        pass
    assert len(pd.read_csv(file)) == 1
    with Monitor(file, resumed=True):
        time.sleep(1.5)
    table = pd.read_csv(file)
    assert len(table) >= 2 and table.seconds.is_monotonic_increasing
    assert (table.rss_bytes > 0).all() and table.cpu_percent.notna().all()


def test_without_a_gpu_its_cells_are_empty_and_no_load_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "_gpus", lambda: [])
    with Monitor(tmp_path / "resources.csv"), GpuLoad() as load:
        pass
    header, row = (tmp_path / "resources.csv").read_text().splitlines()
    assert header.endswith(",gpu_memory_bytes,gpu_percent")
    assert row.endswith(",,")
    assert load.percent is None
