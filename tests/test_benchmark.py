"""scripts/benchmark.py, small: that both sides run, and what it leaves."""

import csv
from pathlib import Path

import pytest
from conftest import refusal, succeed

BENCHMARK = "scripts/benchmark.py"


@pytest.mark.slow
def test_every_comparison_is_printed_saved_and_drawn(drawn_data: Path, tmp_path: Path) -> None:
    said = succeed(
        BENCHMARK, "--count", 4, "--images", 100, "--dataset", "drawn", "--data-dir", drawn_data,
        "--percent", 20, "--weights", "none", "--batch-size", 4, "--steps", 3, "--rounds", 1,
        "--logs-dir", tmp_path,
    )  # fmt: skip
    with (tmp_path / "benchmark" / "benchmark.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    by_comparison: dict[str, list[dict]] = {}
    for row in rows:
        by_comparison.setdefault(row["comparison"], []).append(row)
        assert row["way"] in said
        assert float(row["images_per_second"]) > 0
        assert float(row["least"]) <= float(row["ratio"]) <= float(row["most"])
    assert len(by_comparison) == 4
    for group in by_comparison.values():
        assert float(group[0]["ratio"]) == 1  # the base
        rate = float(group[0]["images_per_second"])
        for row in group:
            assert float(row["ratio"]) == pytest.approx(float(row["images_per_second"]) / rate)
    assert {path.suffix for path in (tmp_path / "benchmark").iterdir()} == {".csv", ".png", ".svg"}


def test_missing_data_and_networks_are_named(drawn_data: Path, tmp_path: Path) -> None:
    logs = ["--logs-dir", tmp_path]
    assert "no prepared data" in refusal(BENCHMARK, "--data-dir", tmp_path, *logs)
    line = refusal(BENCHMARK, "--dataset", "drawn", "--data-dir", drawn_data, "--network", "nosuch",
                   "--parts", "ft-a", *logs)  # fmt: skip
    assert "mobilenet" in line
