"""The model's own arithmetic: preprocessing, penalty, and which of its layers learn."""

import dataclasses
import shutil
from pathlib import Path
from typing import NoReturn

import keras
import numpy as np
import pytest
from helpers.small_network import ALL, SMALL, build_small
from keras.src.legacy.saving import legacy_h5_format

from sentiment.base.errors import UserError
from sentiment.model import build, model_file
from sentiment.model.build import build_model
from sentiment.model.recipe import Recipe
from sentiment.training.optimizer import build_optimizer, compile_model

RANDOM = np.random.default_rng(1)
PHOTOS = RANDOM.integers(0, 256, (4, 224, 224, 3), np.uint8)
LABELS = np.array([0, 1, 2, 1])


def test_the_penalty_is_in_the_loss() -> None:
    network = build_model(SMALL, ALL, 3)
    compile_model(network, build_optimizer(ALL, ALL.learning_rate))
    probability = network.predict_on_batch(PHOTOS)[range(4), LABELS]
    kernels = [w for w in network.get_weights() if w.ndim == 2]
    penalty = ALL.weight_decay / 2 * sum((w**2).sum() for w in kernels)
    loss = network.test_on_batch(PHOTOS, LABELS)[0]
    np.testing.assert_allclose(loss, -np.log(probability).mean() + penalty, rtol=1e-5)
    assert not build_model(SMALL, dataclasses.replace(ALL, optimizer="adamw"), 3).losses


@pytest.mark.parametrize(
    ("own", "chosen", "mode"), [("tf", "own", "tf"), ("caffe", "own", "caffe"),
                                ("torch", "own", "torch"), ("tf", "caffe", "caffe")]
)  # fmt: skip
def test_preprocessing_is_in_the_model_and_is_keras_own(own: str, chosen: str, mode: str) -> None:
    architecture = dataclasses.replace(SMALL, preprocessing=own)
    recipe = Recipe(layers="fc", weights="none", preprocessing=chosen)
    network = build_model(architecture, recipe, 3)
    pixels = keras.applications.imagenet_utils.preprocess_input(
        PHOTOS.astype("float32"), data_format="channels_last", mode=mode
    )
    features = network.get_layer("backbone").predict_on_batch(pixels)
    expected = network.get_layer("head").predict_on_batch(features)
    np.testing.assert_allclose(network.predict_on_batch(PHOTOS), expected, atol=1e-5)


def test_the_data_s_own_mean_takes_the_place_of_imagenets() -> None:
    recipe = Recipe(layers="fc", weights="none", preprocessing="dataset-mean")
    network = build_model(SMALL, recipe, 3, mean=[10.0, 20.0, 30.0])
    pixels = (PHOTOS - np.float32([10, 20, 30]))[..., ::-1]  # BGR, as in Caffe
    expected = network.get_layer("backbone").predict_on_batch(pixels)
    np.testing.assert_allclose(build.without_head(network).predict_on_batch(PHOTOS), expected,
                               rtol=1e-4, atol=1e-4)  # fmt: skip


def with_batch_norm(
    weights: str | None, classes: int, side: int
) -> tuple[keras.Model, keras.Model]:
    backbone, head = build_small(weights, classes)
    backbone.add(keras.layers.BatchNormalization())
    return backbone, head


@pytest.mark.parametrize(
    ("recipe", "head_only", "norm_moves"),
    [
        (Recipe(layers="fc", weights="none"), True, False),
        (Recipe(layers="all", weights="none"), False, True),
        (Recipe(layers="all", weights="none", freeze_batch_norm=True), False, False),
    ],
    ids=["FT-F", "FT-A", "FT-A, frozen batch normalisation"],
)
def test_only_what_the_recipe_says_learns(
    recipe: Recipe, head_only: bool, norm_moves: bool
) -> None:
    architecture = dataclasses.replace(SMALL, build=with_batch_norm)
    network = build_model(architecture, recipe, 3)
    backbone = network.get_layer("backbone")
    norm = next(x for x in backbone.layers if isinstance(x, keras.layers.BatchNormalization))
    dense = next(x for x in backbone.layers if isinstance(x, keras.layers.Dense))
    before = dense.get_weights()[0], norm.moving_mean.numpy(), norm.gamma.numpy()
    compile_model(network, build_optimizer(recipe, recipe.learning_rate))
    network.train_on_batch(PHOTOS, LABELS)
    after = dense.get_weights()[0], norm.moving_mean.numpy(), norm.gamma.numpy()
    unchanged = [np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert unchanged == [head_only, not norm_moves, not norm_moves]


def test_a_frozen_backbone_drops_nothing() -> None:
    def build(weights: str | None, classes: int, side: int) -> tuple[keras.Model, keras.Model]:
        backbone, head = build_small(weights, classes)
        backbone.add(keras.layers.Dropout(0.5))
        return backbone, head

    architecture = dataclasses.replace(SMALL, build=build)
    for layers, steady in {"fc": True, "all": False}.items():
        network = build_model(architecture, Recipe(layers=layers, weights="none"), 3)
        trained, predicted = (
            keras.ops.convert_to_numpy(network(PHOTOS, training=training))
            for training in (True, False)
        )
        assert np.allclose(trained, predicted) == steady


def test_layers_inside_a_layer_are_layers_of_the_backbone() -> None:
    def nested(weights: str | None, classes: int, side: int) -> tuple[keras.Model, keras.Model]:
        inner = keras.Sequential([keras.layers.Dense(4), keras.layers.Dropout(0.5)])
        image = keras.Input((side, side, 3))
        pooled = keras.layers.Dense(5)(inner(keras.layers.GlobalAveragePooling2D()(image)))
        return keras.Model(image, pooled), build_small(None, classes)[1]

    architecture = dataclasses.replace(SMALL, build=nested)
    assert len(build_model(architecture, ALL, 3).losses) == 3
    frozen = Recipe(layers="fc", weights="none", seed=2)
    first, second = (build_model(architecture, frozen, 3).get_layer("backbone") for _ in range(2))
    assert {layer.rate for layer in build.flat(first) if hasattr(layer, "rate")} == {0.0}
    second.set_weights(first.get_weights())
    assert build.fingerprint(first) == build.fingerprint(second)


def test_weights_are_read_whatever_their_file_is_called(tmp_path: Path) -> None:
    """Keras alone reads its two forms of HDF5 by the name: .weights.h5, and .h5 from before."""
    backbone, _ = build_small(None, 3)
    backbone.save_weights(tmp_path / "of keras 3.weights.h5")
    legacy_h5_format.save_model_to_hdf5(backbone, tmp_path / "older.h5")

    def build(weights: str | None, classes: int, side: int) -> tuple[keras.Model, keras.Model]:
        parts = build_small(weights, classes)
        parts[0].load_weights(weights)
        return parts

    architecture = dataclasses.replace(SMALL, build=build)
    for file in list(tmp_path.iterdir()):
        for name in ("renamed.h5", "renamed.weights.h5", "renamed"):
            renamed = shutil.copy(file, tmp_path / name)
            network = build_model(architecture, Recipe(layers="fc", weights=str(renamed)), 3)
            read = network.get_layer("backbone").get_weights()
            assert all(map(np.array_equal, read, backbone.get_weights())), (file, name)


def test_without_a_network_the_weights_that_are_installed_are_suggested() -> None:
    def build(weights: str | None, classes: int, side: int) -> NoReturn:
        raise Exception(f"URL fetch failure on {weights}")

    architecture = dataclasses.replace(SMALL, build=build)
    with pytest.raises(UserError) as refused:
        build_model(architecture, Recipe(layers="all"), 3)
    assert str(refused.value) == (
        "Small's ImageNet weights cannot be had (URL fetch failure on imagenet); give them as a "
        "file with --weights PATH, or train EfficientNet-Lite0, whose weights are installed "
        "(ipython src/efficientnetlite/all_layer_train_efficientnetlite.py)"
    )


def test_ft_a_takes_the_head_of_the_same_backbone_only(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    trained, start, other = (build_model(SMALL, ALL, 3) for _ in range(3))
    start.get_layer("backbone").set_weights(trained.get_layer("backbone").get_weights())
    file = tmp_path / "trained.keras"
    model_file.save(trained, file, {})
    build.attach_head(start, file)
    for weight, expected_weight in zip(start.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected_weight)
    with pytest.raises(UserError, match="--head fresh"):
        build.attach_head(other, file)
