"""scripts/benchmark.py, small: that both sides run, and what it leaves."""

import csv
import functools
import logging
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest
from helpers.scripts import refusal, succeed
from helpers.small_network import SMALL

from sentiment.benchmark import timing
from sentiment.data.dataset import Dataset
from sentiment.model.networks import Network
from sentiment.model.recipe import Recipe

pytestmark = pytest.mark.slow

BENCHMARK = "scripts/benchmark.py"


def test_every_way_is_printed_saved_and_drawn(drawn_data: Path, tmp_path: Path) -> None:
    said = succeed(
        BENCHMARK, "--parts", "preparation", "reading", "--count", 4, "--images", 100,
        "--dataset", "drawn", "--data-dir", drawn_data, "--rounds", 2, "--logs-dir", tmp_path,
    )  # fmt: skip
    with (tmp_path / "benchmark" / "benchmark.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    by_comparison: dict[str, list[dict]] = {}
    for row in rows:
        by_comparison.setdefault(row["comparison"], []).append(row)
        assert row["way"] in said
        assert float(row["images_per_second"]) > 0
        assert float(row["least"]) <= float(row["most"])
    assert len(by_comparison) == 2
    for group in by_comparison.values():
        assert float(group[0]["ratio"]) == 1  # the base
        rate = float(group[0]["images_per_second"])
        for row in group:
            assert float(row["ratio"]) == pytest.approx(float(row["images_per_second"]) / rate)
    assert {path.suffix for path in (tmp_path / "benchmark").iterdir()} == {".csv", ".png", ".svg"}


def test_training_is_compared_and_the_datas_own_features_are_kept(
    drawn_data: Path, tmp_path: Path
) -> None:
    from sentiment.benchmark.cached_features import compare_ft_f
    from sentiment.benchmark.determinism import seconds_an_image
    from sentiment.benchmark.step import compare_steps

    shutil.copytree(drawn_data / "drawn", tmp_path / "drawn")
    kept = tmp_path / "drawn" / "features" / "kept"
    kept.mkdir(parents=True, exist_ok=True)
    dataset = Dataset(tmp_path, "drawn")
    recipes = {layers: Recipe(layers=layers, weights="none", epochs=2) for layers in ("fc", "all")}
    network = Network(SMALL, recipes)
    measured = [
        compare_ft_f(network, "none", dataset, 20.0, tmp_path / "work", rounds=1),
        compare_steps(network, dataset, batch_size=4, steps=3, rounds=1),
    ]
    for compared in measured:
        assert len(compared.seconds) >= 3
        assert all(len(rounds) == 1 and rounds[0] > 0 for rounds in compared.seconds.values())
    assert kept.is_dir()
    assert seconds_an_image(network, dataset, batch_size=4, steps=3, deterministic="off") > 0


def test_the_gpus_load_stands_beside_each_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a driver that answers as NVIDIA's does: no GPU is needed."""
    load = {"busy": 80, "idle": 20}
    now = ["idle"]
    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda number: number,
        "nvmlDeviceGetMemoryInfo": lambda gpu: SimpleNamespace(used=1),
        "nvmlDeviceGetUtilizationRates": lambda gpu: SimpleNamespace(gpu=load[now[0]]),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)

    def way(name: str) -> float:
        now[0] = name
        time.sleep(0.35)
        return 1.0

    ways = {name: functools.partial(way, name) for name in load}
    compared = timing.compare("GPUs", "busy", ways, rounds=2)
    assert compared.gpu_percent == {"busy": [80, 80], "idle": [20, 20]}


def test_what_is_timed_logs_nothing_and_afterwards_all_is_logged_again() -> None:
    library = logging.getLogger("sentiment.some.part")
    logging.getLogger("sentiment").setLevel(logging.INFO)

    def way() -> float:
        assert not library.isEnabledFor(logging.INFO)
        raise KeyError

    with pytest.raises(KeyError):
        timing.compare("logs", "way", {"way": way}, rounds=1)
    assert library.isEnabledFor(logging.INFO)


def test_missing_data_and_networks_are_named(drawn_data: Path, tmp_path: Path) -> None:
    logs = ["--logs-dir", tmp_path]
    assert "no prepared data" in refusal(BENCHMARK, "--data-dir", tmp_path, *logs)
    line = refusal(BENCHMARK, "--dataset", "drawn", "--data-dir", drawn_data, "--network", "nosuch",
                   "--parts", "ft-a", *logs)  # fmt: skip
    assert "mobilenet" in line
