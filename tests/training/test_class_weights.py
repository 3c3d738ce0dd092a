"""Class weights: scikit-learn's numbers, in the loss of training alone, in every loop."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.scripts import succeed
from helpers.small_network import SMALL
from sklearn.utils.class_weight import compute_class_weight

from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.experiments import rising_rate
from sentiment.model.recipe import Recipe
from sentiment.runs import history_file
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training
from sentiment.training import fit
from sentiment.training.announcement import announcement
from sentiment.training.class_weights import balanced, uneven_in_words

STILL = Recipe("all", weights="none", learning_rate=1e-12, epochs=1, class_weights="balanced")
"""It leaves the first weights as they are, so every loss of a training is theirs."""
RECIPES = {
    "FT-A in parts": dataclasses.replace(STILL, batch_size=16, gradient_accumulation_steps=4),
    "FT-F on features": dataclasses.replace(
        STILL, layers="fc", batch_size=16, label_smoothing=0.3
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def uneven(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Real photos of dogs: 40, 8 and 16 of the breeds to train, and 4 of each to validate."""
    folder = tmp_path_factory.mktemp("uneven")
    for split, counts in {"train": (40, 8, 16), "valid": (4, 4, 4), "test": (2, 2, 2)}.items():
        breeds = sorted((shared / "data" / "dogs" / split).iterdir())
        for breed, count in zip(breeds, counts, strict=True):
            kept = folder / "photos" / split / breed.name
            kept.mkdir(parents=True)
            for photo in sorted(breed.iterdir())[:count]:
                (kept / photo.name).symlink_to(photo)
    succeed("scripts/prepare_data.py", "dogs", "--source", folder / "photos", "--name", "uneven",
            "--data-dir", folder)  # fmt: skip
    return Dataset(folder, "uneven")


def training(recipe: Recipe, dataset: Dataset, work: Path, percent: float = 100.0) -> Training:
    data = TrainingData(dataset.name, percent)
    run = Run("small", recipe.layers, data, Folders(dataset.folder.parent, work, work))
    run.history.parent.mkdir(parents=True, exist_ok=True)
    return Training(SMALL, recipe, dataset, run)


def expected_losses(
    network: keras.Model, dataset: Dataset, smoothing: float
) -> tuple[float, float]:
    """The loss in training, where weights count, and in validation, computed in NumPy."""
    losses = []
    for split, share in {"train": smoothing, "validation": 0.0}.items():
        stored = dataset.split(split)
        wanted = (1 - share) * np.eye(3)[stored.labels] + share / 3
        of_images = -(wanted * np.log(network.predict(stored.images[:], verbose=0))).sum(axis=1)
        weights = compute_class_weight("balanced", classes=np.arange(3), y=stored.labels)
        losses.append((weights[stored.labels] * of_images).mean() if split == "train"
                      else of_images.mean())  # fmt: skip
    return losses[0], losses[1]


@pytest.mark.parametrize("name", RECIPES)
def test_each_images_loss_is_weighed_in_training_alone(
    name: str, uneven: Dataset, tmp_path: Path
) -> None:
    recipe = RECIPES[name]
    keras.utils.set_random_seed(1)
    wanted = training(recipe, uneven, tmp_path)
    network, outcome = fit.fit(wanted, None)
    labels = uneven.split("train").labels
    weights = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    by_class = dict(zip(uneven.class_names, weights, strict=True))
    assert outcome["weights_by_class"] == pytest.approx(by_class)
    (epoch,) = history_file.epochs(wanted.run.history).to_dict("records")
    losses = expected_losses(network, uneven, recipe.label_smoothing)
    assert (epoch["loss"], epoch["val_loss"]) == pytest.approx(losses, rel=1e-5)


def test_a_range_test_weighs_too(uneven: Dataset, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    wanted = training(dataclasses.replace(STILL, batch_size=64), uneven, tmp_path)
    weighed, _ = rising_rate.losses_at(wanted, np.full(2, 1e-12))
    keras.utils.set_random_seed(1)
    network, _ = fit.fit(wanted, None)
    assert weighed == pytest.approx(expected_losses(network, uneven, 0.0)[0], rel=1e-5)


@pytest.mark.parametrize(
    ("percent", "choice", "line"),
    [
        (100, "none", "40 Beagle, 16 Toy_Poodle, 8 Siberian_Husky; --class-weights balanced "),
        (50, "balanced", "20 Beagle, 8 Toy_Poodle, 4 Siberian_Husky; class weights make "),
    ],
)
def test_uneven_classes_are_announced_with_their_counts(
    percent: float, choice: str, line: str, uneven: Dataset, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(STILL, class_weights=choice)
    run = training(recipe, uneven, tmp_path, percent).run
    assert f"\n  uneven classes: {line}" in announcement(SMALL, recipe, uneven, run, recipe)


def test_classes_are_uneven_from_one_and_a_half_times_on() -> None:
    assert uneven_in_words({"a": 150, "b": 100}) == ""
    assert uneven_in_words({"a": 100, "b": 151, "empty": 0}) == "151 b, 100 a"
    many = {f"breed {number}": 26 + number for number in range(133)}
    assert uneven_in_words(many) == "158 breed 132 to 26 breed 0"


def test_a_class_without_images_is_none_of_the_classes_that_count() -> None:
    assert balanced({"a": 30, "b": 0, "c": 10}) == {"a": 40 / 60, "b": 0.0, "c": 2.0}
