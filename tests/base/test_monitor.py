"""Tests of the table of what a run takes from its machine."""

import time
from pathlib import Path

import pandas as pd

from sentiment.base.monitor import Monitor


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
