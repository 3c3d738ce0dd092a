"""An update of the weights, against formulas computed in NumPy."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from helpers.small_network import ALL, SMALL, build_small

from sentiment.model.build import build_model
from sentiment.model.recipe import Recipe
from sentiment.training.optimizer import (
    at_constant_rate,
    build_optimizer,
    compile_model,
    state_values,
)
from sentiment.training.schedule import schedule
from sentiment.training.targets import targets

RANDOM = np.random.default_rng(1)
PHOTOS = RANDOM.integers(0, 256, (4, 224, 224, 3), np.uint8)
LABELS = np.array([0, 1, 2, 1])


def caffe_steps(
    weights: list[np.ndarray], recipe: Recipe, steps: int, of_classes: np.ndarray | None = None
) -> list[np.ndarray]:
    """Caffe's SGD: V = mu V - rate (gradient + lambda W), W = W + V, no decay on biases.

    Args:
        of_classes: weights of the classes in the loss.
    """
    of_images = np.ones((4, 1)) if of_classes is None else of_classes[LABELS, None]
    kernel, bias, top, top_bias = (w.astype(np.float64) for w in weights)
    scaled = PHOTOS / 127.5 - 1
    inputs = scaled.reshape(4, 4, 56, 4, 56, 3).mean((2, 4)).reshape(4, -1)
    speeds = [np.zeros_like(w) for w in (kernel, bias, top, top_bias)]
    for _ in range(steps):
        hidden = inputs @ kernel + bias
        scores = np.exp(hidden @ top + top_bias)
        error = scores / scores.sum(1, keepdims=True) - np.eye(3)[LABELS]
        error *= of_images / len(LABELS)
        back = error @ top.T
        gradients = [
            inputs.T @ back + recipe.weight_decay * kernel,
            back.sum(0),
            hidden.T @ error + recipe.weight_decay * top,
            error.sum(0),
        ]
        speeds = [
            recipe.momentum * speed - recipe.learning_rate * gradient
            for speed, gradient in zip(speeds, gradients, strict=True)
        ]
        kernel, bias, top, top_bias = (
            weight + speed
            for weight, speed in zip((kernel, bias, top, top_bias), speeds, strict=True)
        )
    return [kernel, bias, top, top_bias]


@pytest.mark.parametrize(
    ("steps", "of_classes"), [(1, None), (3, None), (3, np.float32([0.5, 2, 1]))]
)
def test_a_step_is_caffes_update(steps: int, of_classes: np.ndarray | None) -> None:
    network = build_model(SMALL, ALL, 3)
    before = network.get_weights()
    compile_model(network, build_optimizer(ALL, ALL.learning_rate))
    of_images = () if of_classes is None else (of_classes[LABELS],)
    for _ in range(steps):
        network.train_on_batch(PHOTOS, LABELS, *of_images)
    for weight, expected_weight in zip(
        network.get_weights(), caffe_steps(before, ALL, steps, of_classes), strict=True
    ):
        np.testing.assert_allclose(weight, expected_weight, rtol=1e-4, atol=1e-6)


def test_accumulated_parts_make_the_step_of_the_whole_batch() -> None:
    parts = dataclasses.replace(ALL, batch_size=4, gradient_accumulation_steps=2)
    network = build_model(SMALL, parts, 3)
    before = network.get_weights()
    compile_model(network, build_optimizer(parts, parts.learning_rate))
    network.train_on_batch(PHOTOS[:2], LABELS[:2])
    for unchanged, first in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(unchanged, first)
    network.train_on_batch(PHOTOS[2:], LABELS[2:])
    for weight, expected_weight in zip(
        network.get_weights(), caffe_steps(before, ALL, 1), strict=True
    ):
        np.testing.assert_allclose(weight, expected_weight, rtol=1e-4, atol=1e-6)


def test_a_step_is_traced_once() -> None:
    traced = []

    class Traced(keras.layers.Layer):
        def call(self, values: keras.KerasTensor) -> keras.KerasTensor:
            traced.append(values)
            return values

    def build(weights: str | None, classes: int, side: int) -> tuple[keras.Model, keras.Model]:
        backbone, head = build_small(weights, classes)
        backbone.add(Traced())
        return backbone, head

    network = build_model(dataclasses.replace(SMALL, build=build), ALL, 3)
    compile_model(network, build_optimizer(ALL, ALL.learning_rate))
    traced.clear()
    network.fit(PHOTOS, LABELS, epochs=2, verbose=0)
    assert len(traced) == 1


def test_labels_are_smoothed_in_training_alone() -> None:
    recipe = dataclasses.replace(ALL, weight_decay=0.0, label_smoothing=0.3)
    network = build_model(SMALL, recipe, 3)
    compile_model(network, build_optimizer(recipe, recipe.learning_rate), soft=True)
    probabilities = network.predict_on_batch(PHOTOS)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.3)
    expected = {
        True: loss(np.eye(3)[LABELS], probabilities),
        False: -np.log(probabilities[range(4), LABELS]).mean(),
    }
    accuracy = (probabilities.argmax(axis=1) == LABELS).mean()
    images = SimpleNamespace(labels=LABELS, shares=None)
    for learning, of_loss in expected.items():
        given = targets(recipe, images, 3, learning)(np.arange(4))
        reached = network.test_on_batch(PHOTOS, given)
        np.testing.assert_allclose(reached, [of_loss, accuracy], rtol=1e-5)


def test_a_model_saved_with_its_optimiser_is_keras_own(tmp_path: Path) -> None:
    """No schedule and no layer decay of this library is in it, and it can be trained on by integer
    labels."""
    recipe = dataclasses.replace(
        ALL, optimizer="adamw", schedule="cosine", warmup_epochs=1, layer_decay=0.5,
        ema_momentum=0.9,
    )  # fmt: skip
    network = build_model(SMALL, recipe, 3)
    optimizer = build_optimizer(recipe, schedule(recipe, steps=2), network)
    compile_model(network, optimizer)
    for _ in range(3):
        network.train_on_batch(PHOTOS, LABELS)
    saved = at_constant_rate(optimizer, recipe, network, 0.002)
    compile_model(network, saved)
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is keras.optimizers.AdamW
    assert float(loaded.optimizer.learning_rate) == pytest.approx(0.002)
    assert int(loaded.optimizer.iterations) == 3
    for weight, expected_weight in zip(
        loaded.optimizer.variables[2:], optimizer.variables[1:], strict=True
    ):
        np.testing.assert_array_equal(weight, expected_weight)
    loaded.train_on_batch(PHOTOS, LABELS)


@pytest.mark.parametrize("changes", [
    {}, {"momentum": 0.0}, {"optimizer": "adam"}, {"optimizer": "rmsprop"},
    {"optimizer": "adamw", "layer_decay": 0.5},
    {"optimizer": "adam", "gradient_accumulation_steps": 2, "ema_momentum": 0.9},
])  # fmt: skip
def test_what_an_optimiser_keeps_is_known_beforehand(changes: dict) -> None:
    recipe = dataclasses.replace(ALL, batch_size=4, **changes)
    network = build_model(SMALL, recipe, 3)
    optimizer = build_optimizer(recipe, recipe.learning_rate, network)
    optimizer.build(network.trainable_variables)
    kept = [value for value in optimizer.variables if len(value.shape)]
    assert len(kept) == state_values(recipe) * len(network.trainable_variables)
