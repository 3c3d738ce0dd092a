"""Photos changed at random: only in training, only in the learner, and each in its own way."""

import keras
import numpy as np
import pytest
from helpers.small_network import ALL, SMALL

from sentiment.model.build import build_model
from sentiment.model.recipe import Recipe
from sentiment.training.augmentation import LAYERS, augmented
from sentiment.training.optimizer import build_optimizer, compile_model

RANDOM = np.random.default_rng(2)
COARSE = RANDOM.integers(30, 225, (8, 14, 14, 3)).repeat(16, axis=1).repeat(16, axis=2)
PHOTOS = COARSE.astype(np.uint8)


def changed(kind: str, photos: np.ndarray = PHOTOS, training: bool = True) -> np.ndarray:
    image = output = keras.Input(PHOTOS.shape[1:], dtype="uint8")
    for layer in LAYERS[kind]():
        output = layer(output)
    return keras.ops.convert_to_numpy(keras.Model(image, output)(photos, training=training))


@pytest.mark.parametrize("kind", LAYERS)
def test_outside_training_photos_stay_as_they_are(kind: str) -> None:
    np.testing.assert_allclose(changed(kind, training=False), PHOTOS, atol=1e-3)


def test_flip_mirrors_some_photos_and_leaves_the_others() -> None:
    keras.utils.set_random_seed(1)
    seen = changed("flip")
    mirrored = (seen == PHOTOS[:, :, ::-1]).all(axis=(1, 2, 3))
    left = (seen == PHOTOS).all(axis=(1, 2, 3))
    assert 0 < sum(mirrored) < 8
    assert (mirrored != left).all()


def test_crop_enlarges_a_place_of_its_own_of_every_photo() -> None:
    """Red tells the row, green the column: what is seen of each grows in steps of 7/8."""
    keras.utils.set_random_seed(1)
    row, column = np.mgrid[:224, :224]
    photos = np.stack([np.dstack([row, column, row])] * 8).astype(np.uint8)
    seen = changed("crop", photos=photos)
    first = seen[:, 0, 0, :2]
    steps = 7 / 8 * np.dstack([row, column])
    np.testing.assert_allclose(seen[..., :2], first[:, None, None] + steps, atol=0.1)
    assert (first > -0.1).all()
    assert (first < 224 / 8 + 0.1).all()
    assert len(np.unique(first.round())) > 8


def test_color_changes_brightness_contrast_and_saturation_a_little() -> None:
    keras.utils.set_random_seed(1)
    seen = changed("color")
    assert seen.min() >= 0
    assert seen.max() <= 255
    shift = np.abs(seen.mean(axis=(1, 2, 3)) - PHOTOS.mean(axis=(1, 2, 3)))
    assert 5 < shift.mean() < 60
    spread = seen.std(axis=(1, 2, 3)) / PHOTOS.std(axis=(1, 2, 3))
    assert (spread > 0.5).all()
    assert (spread < 1.6).all()


def test_the_learner_shares_the_networks_weights_and_the_network_stays_as_it_was() -> None:
    recipe = Recipe("all", weights="none", augmentation=("flip", "crop", "color"))
    network = build_model(SMALL, recipe, 3)
    before = network.get_config()
    learner = augmented(network, recipe)
    np.testing.assert_allclose(
        learner.predict_on_batch(PHOTOS), network.predict_on_batch(PHOTOS), rtol=1e-5
    )
    assert network.get_config() == before
    compile_model(learner, build_optimizer(ALL, 0.01))
    learner.train_on_batch(PHOTOS, np.arange(8) % 3)
    for weight, expected_weight in zip(learner.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected_weight)


@pytest.mark.parametrize(("backend", "compiled"), [("jax", True), ("tensorflow", False)])
def test_a_learner_that_crops_is_compiled_where_that_works(backend, compiled, monkeypatch) -> None:
    """Keras compiles a model if all of its layers agree; those that crop never do by themselves."""
    recipe = Recipe("all", weights="none", augmentation=("crop",))
    network = build_model(SMALL, recipe, 3)
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert all(layer.supports_jit for layer in augmented(network, recipe).layers) is compiled
