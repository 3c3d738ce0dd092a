"""Fitting a model: what its callbacks' order does, and an error of short memory."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.small_network import ALL, SMALL, build_small

from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.model.recipe import Recipe
from sentiment.runs.accuracy import Commonest
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training
from sentiment.training import checkpoint_file, fit, setup
from sentiment.training.blank_loss import blank_loss, hint


def training(recipe: Recipe, drawn_data: Path, work: Path) -> Training:
    run = Run("small", "all", TrainingData("drawn"), Folders(drawn_data, work, work))
    run.history.parent.mkdir(parents=True)
    return Training(SMALL, recipe, Dataset(drawn_data, "drawn"), run)


def test_the_average_is_kept_as_the_best_and_the_checkpoint_holds_the_weights_that_learn(
    drawn_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also: the last lines say what always naming the commonest class would reach."""
    caplog.set_level("INFO")
    recipe = Recipe("all", weights="none", epochs=1, ema_momentum=0.9, learning_rate=0.01)
    keras.utils.set_random_seed(1)
    wanted = training(recipe, drawn_data, tmp_path)
    network, _ = fit.fit(wanted, None)
    _, arrays = checkpoint_file.read(wanted.run.checkpoint)
    for learning, best, kept in zip(
        arrays["variables"], arrays["best"], network.get_weights(), strict=False
    ):
        np.testing.assert_array_equal(best, kept)
        assert (learning != best).any()
    validation = Dataset(drawn_data, "drawn").counts("validation")
    (last,) = (text for text in caplog.messages if text.startswith("Best of 1 epochs"))
    assert last.endswith(f"always saying {Commonest.among(validation).class_name}: "
                         f"{max(validation.values()) / sum(validation.values()):.4f}")  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "remedy"),
    [
        ("none", "random first --weights need far more photos and epochs; give others"),
        (__file__, "try another --learning-rate, which scripts/learning_rate_range.py suggests"),
    ],
)
def test_a_loss_that_stays_at_that_of_knowing_nothing_gets_a_hint(
    weights: str, remedy: str, drawn_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def build(weights: str | None, classes: int, side: int) -> tuple[keras.Model, keras.Model]:
        backbone, _ = build_small(weights, classes)
        softmax = keras.layers.Dense(classes, activation="softmax", kernel_initializer="zeros")
        return backbone, keras.Sequential([keras.Input((5,)), softmax])

    caplog.set_level("INFO")
    recipe = Recipe("all", weights=weights, epochs=1, learning_rate=1e-9)
    wanted = training(recipe, drawn_data, tmp_path)
    fit.fit(dataclasses.replace(wanted, architecture=dataclasses.replace(SMALL, build=build)), None)
    (hint,) = (text for text in caplog.messages if "nothing was learned" in text)
    assert hint == (
        "  nothing was learned: a model that knows only how common each class is has this loss in "
        f"validation too, 1.0986; {remedy}"
    )


def test_another_loss_gets_no_hint() -> None:
    uneven = np.repeat([0, 1, 2], [60, 10, 30])
    assert blank_loss(uneven) == pytest.approx(0.8979, abs=1e-4)
    assert not hint(ALL, 0.85, uneven)
    assert not hint(ALL, 1.0986, uneven)


def test_short_memory_is_told_with_a_remedy_wherever_it_comes(
    drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(training: Training) -> setup.Setup:
        raise MemoryError

    monkeypatch.setattr(fit, "Setup", build)
    with pytest.raises(UserError, match="out of memory with 64 images at a time"):
        fit.fit(training(ALL, drawn_data, tmp_path), None)
