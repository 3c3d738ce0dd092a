"""The learning-rate range test: what it reads from losses, and a whole one on drawn pictures."""

import csv
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.scripts import refusal
from helpers.small_network import SMALL
from PIL import Image

from sentiment.base.project import Folders
from sentiment.experiments import learning_rate_range as rate_range
from sentiment.experiments import range_reading, rising_rate
from sentiment.model.networks import Network, NetworkChoice
from sentiment.model.recipe import Recipe
from sentiment.runs.run_files import TrainingData

SCRIPT = "scripts/learning_rate_range.py"
RATES = np.geomspace(1e-5, 10, 100)


def test_a_fall_and_a_divergence_are_read_from_noisy_losses() -> None:
    """The loss falls from 1.1 to 0.6 around 1e-3, stays, and explodes from 0.5 on."""
    noise = np.random.default_rng(1).normal(0, 0.03, 100)
    losses = 1.1 - 0.5 / (1 + (1e-3 / RATES) ** 2) + noise
    losses = np.append(losses[RATES < 0.5], 4.4)
    smooth = range_reading.smoothed(losses, 100)
    found = range_reading.read(RATES[: len(losses)], losses, smooth, 100)
    assert 5e-4 < found.steepest < 2e-3
    assert 3e-3 < found.least < 0.5
    assert found.diverged == pytest.approx(RATES[RATES >= 0.5][0])
    said = " ".join(range_reading.in_words(found, 0.6))
    assert f"Suggested: --learning-rate {found.steepest:.2g}, where the loss falls" in said


def test_losses_that_never_fall_suggest_nothing() -> None:
    losses = 1.1 + np.random.default_rng(1).normal(0, 0.1, 100)
    found = range_reading.read(RATES, losses, range_reading.smoothed(losses, 100), 100)
    assert found == range_reading.RangeReading(None, None, None)
    assert "nothing to say" in " ".join(range_reading.in_words(found, 10.0))


def test_a_range_test_leaves_table_and_picture(
    drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    caplog.set_level("INFO")
    recipe = Recipe("fc", weights="none", batch_size=48, gradient_accumulation_steps=2)
    small = Network(SMALL, {"fc": recipe})
    monkeypatch.setattr(rate_range.networks, "named", lambda name: small)
    monkeypatch.setattr(rate_range.backend, "start", lambda *args: keras.utils.set_random_seed(1))
    shutil.copytree(drawn_data / "drawn", tmp_path / "drawn",
                    ignore=shutil.ignore_patterns("features"))  # fmt: skip
    rate_range.find(rate_range.Options(
        NetworkChoice("small"), TrainingData("drawn"), updates=40, highest=1e6,
        folders=Folders(tmp_path, tmp_path, tmp_path), recipe_flags=("--label-smoothing", "0.1"),
    ))  # fmt: skip
    named = tmp_path / "drawn" / "fc_layers_small_learning_rate_range"
    with named.with_suffix(".csv").open(newline="") as lines:
        rows = [
            {name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)
        ]
    assert 20 < len(rows) < 40  # it ended when it had diverged
    rates = [row["learning_rate"] for row in rows]
    np.testing.assert_allclose(rates, np.geomspace(1e-5, 1e6, 40)[: len(rows)])
    assert rows[-1]["loss"] == pytest.approx(rising_rate.TOO_HIGH * rows[0]["loss"])
    assert "The loss " in caplog.text
    with Image.open(named.with_suffix(".png")) as picture:
        assert picture.size == (1200, 675)


def test_a_wrong_range_gets_one_line() -> None:
    line = refusal(SCRIPT, "--lowest", 1, "--highest", 0.1)
    assert "--lowest 1 --highest 0.1: expected numbers over 0, the lowest first" in line
