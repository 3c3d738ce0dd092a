"""MixUp and CutMix: what is drawn, and photos, targets and weights mixed as was drawn."""

import dataclasses

import keras
import numpy as np
import pytest
from helpers.small_network import ALL, SMALL

from sentiment.model.build import build_model
from sentiment.model.recipe import MIXING, Recipe
from sentiment.training.augmentation import augmented
from sentiment.training.mixing import DRAWN, draws
from sentiment.training.optimizer import build_optimizer, compile_model

RANDOM = np.random.default_rng(3)
PHOTOS = RANDOM.integers(256, size=(5, 224, 224, 3)).astype(np.uint8)
TARGETS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]] * 0.9 + np.float32(0.1 / 3)
WEIGHTS = np.float32([0.5, 2, 1, 0.5, 2])


def recipe(*kinds: str) -> Recipe:
    return dataclasses.replace(ALL, weight_decay=0.0, augmentation=kinds)


def drawn(kind: str, epoch: int = 0, batch: int = 0) -> np.ndarray:
    return draws(recipe(kind), 224)(epoch, batch)


def by_hand(kind: str, draw: np.ndarray) -> tuple[np.ndarray, float]:
    """The mixed photos by the papers' formulas, and each one's own share."""
    if kind == "mixup":
        share = float(draw[0])
        return share * PHOTOS + (1 - share) * PHOTOS[::-1], share
    top, bottom, left, right = draw[1:5].astype(int)
    mixed = PHOTOS.astype(float)
    mixed[:, top:bottom, left:right] = PHOTOS[::-1, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / 224**2


@pytest.mark.parametrize("kind", MIXING)
def test_photos_targets_and_weights_are_mixed_in_the_same_shares(kind: str) -> None:
    draw = drawn(kind)
    photos, share = by_hand(kind, draw)
    assert 0.02 < share < 0.98
    network = build_model(SMALL, ALL, 3)
    learner = augmented(network, recipe(kind))
    compile_model(learner, build_optimizer(ALL, 0.0), soft=True)

    seen = output = keras.Input((224, 224, 3))
    for operation in network.operations[1:]:
        output = operation(output)
    given = np.log(keras.Model(seen, output).predict_on_batch(photos.astype(np.float32)))
    targets, weights = (share * v + (1 - share) * v[::-1] for v in (TARGETS, WEIGHTS))
    losses = -(targets * given).sum(axis=1)
    right = given.argmax(axis=1) == targets.argmax(axis=1)

    inputs = (PHOTOS, np.tile(draw, (5, 1)))
    for of_images, loss in {None: losses, "weights": weights * losses}.items():
        learner.reset_metrics()
        reached = learner.train_on_batch(inputs, TARGETS, of_images and WEIGHTS)
        penalties = float(sum(network.losses))
        np.testing.assert_allclose(reached, [loss.mean() + penalties, right.mean()], rtol=1e-4)


def test_validation_is_on_photos_and_targets_as_they_are() -> None:
    network = build_model(SMALL, ALL, 3)
    learner = augmented(network, recipe("mixup", "cutmix"))
    for model in (network, learner):
        compile_model(model, build_optimizer(ALL, 0.0), soft=True)
    inputs = (PHOTOS, np.tile(drawn("mixup"), (5, 1)))
    np.testing.assert_allclose(
        learner.test_on_batch(inputs, TARGETS), network.test_on_batch(PHOTOS, TARGETS), rtol=1e-5
    )


def test_a_batch_is_mixed_the_same_whenever_it_comes_and_others_otherwise() -> None:
    for kind in MIXING:
        all_drawn = np.stack([drawn(kind, e, b) for e in range(20) for b in range(20)])
        assert all_drawn.shape == (400, DRAWN)
        assert all_drawn.dtype == np.float32
        np.testing.assert_array_equal(all_drawn[21], drawn(kind, 1, 1))
        assert len(np.unique(all_drawn, axis=0)) > 390
        assert (all_drawn >= 0).all()
        share = all_drawn[:, -1]
        assert (share <= 1).all()
        top, bottom, left, right = all_drawn[:, 1:5].T
        pasted = (bottom - top) * (right - left) / 224**2
        np.testing.assert_allclose(share, all_drawn[:, 0] * (1 - pasted), atol=1e-6)
    assert draws(recipe("flip"), 224) is None


def test_of_both_kinds_each_batch_gets_one() -> None:
    either = draws(recipe("mixup", "cutmix"), 224)
    by_cutmix = [bool(either(0, batch)[0] == 1) for batch in range(400)]
    assert 150 < sum(by_cutmix) < 250
