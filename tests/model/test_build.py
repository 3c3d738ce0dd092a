"""The model's own arithmetic, against formulas computed in NumPy."""

import dataclasses
import importlib
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
from helpers.scripts import NETWORKS
from helpers.small_network import ALL, SMALL, build_small

from sentiment.base.errors import UserError
from sentiment.model import build, model_file
from sentiment.model.build import build_model
from sentiment.model.recipe import Recipe
from sentiment.training.moving_average import Average
from sentiment.training.optimizer import (
    at_constant_rate,
    build_optimizer,
    compile_model,
    state_values,
    targets,
)
from sentiment.training.schedule import schedule

RANDOM = np.random.default_rng(1)
PHOTOS = RANDOM.integers(0, 256, (4, 224, 224, 3), np.uint8)
LABELS = np.array([0, 1, 2, 1])


def caffe_steps(weights: list[np.ndarray], recipe: Recipe, steps: int) -> list[np.ndarray]:
    """Caffe's SGD: V = mu V - rate (gradient + lambda W), W = W + V, no decay on biases."""
    kernel, bias, top, top_bias = (w.astype(np.float64) for w in weights)
    scaled = PHOTOS / 127.5 - 1
    inputs = scaled.reshape(4, 4, 56, 4, 56, 3).mean((2, 4)).reshape(4, -1)
    speeds = [np.zeros_like(w) for w in (kernel, bias, top, top_bias)]
    for _ in range(steps):
        hidden = inputs @ kernel + bias
        scores = np.exp(hidden @ top + top_bias)
        error = (scores / scores.sum(1, keepdims=True) - np.eye(3)[LABELS]) / len(LABELS)
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


@pytest.mark.parametrize("steps", [1, 3])
def test_a_step_is_caffes_update(steps: int) -> None:
    network = build_model(SMALL, ALL, 3)
    before = network.get_weights()
    compile_model(network, build_optimizer(ALL, ALL.learning_rate))
    for _ in range(steps):
        network.train_on_batch(PHOTOS, LABELS)
    for ours, caffes in zip(network.get_weights(), caffe_steps(before, ALL, steps), strict=True):
        np.testing.assert_allclose(ours, caffes, rtol=1e-4, atol=1e-6)


def test_accumulated_parts_make_the_step_of_the_whole_batch() -> None:
    parts = dataclasses.replace(ALL, batch_size=4, gradient_accumulation_steps=2)
    network = build_model(SMALL, parts, 3)
    before = network.get_weights()
    compile_model(network, build_optimizer(parts, parts.learning_rate))
    network.train_on_batch(PHOTOS[:2], LABELS[:2])
    for unchanged, first in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(unchanged, first)
    network.train_on_batch(PHOTOS[2:], LABELS[2:])
    for ours, caffes in zip(network.get_weights(), caffe_steps(before, ALL, 1), strict=True):
        np.testing.assert_allclose(ours, caffes, rtol=1e-4, atol=1e-6)


def test_a_step_is_traced_once() -> None:
    traced = []

    class Traced(keras.layers.Layer):
        def call(self, values: keras.KerasTensor) -> keras.KerasTensor:
            traced.append(values)
            return values

    def build(weights: str | None, classes: int) -> tuple[keras.Model, keras.Model]:
        backbone, head = build_small(weights, classes)
        backbone.add(Traced())
        return backbone, head

    network = build_model(dataclasses.replace(SMALL, build=build), ALL, 3)
    compile_model(network, build_optimizer(ALL, ALL.learning_rate))
    traced.clear()
    network.fit(PHOTOS, LABELS, epochs=2, verbose=0)
    assert len(traced) == 1


def test_the_penalty_is_in_the_loss() -> None:
    network = build_model(SMALL, ALL, 3)
    compile_model(network, build_optimizer(ALL, ALL.learning_rate))
    probability = network.predict_on_batch(PHOTOS)[range(4), LABELS]
    kernels = [w for w in network.get_weights() if w.ndim == 2]
    penalty = ALL.weight_decay / 2 * sum((w**2).sum() for w in kernels)
    loss = network.test_on_batch(PHOTOS, LABELS)[0]
    np.testing.assert_allclose(loss, -np.log(probability).mean() + penalty, rtol=1e-5)


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


def test_labels_are_smoothed_in_training_alone() -> None:
    recipe = dataclasses.replace(ALL, weight_decay=0.0, label_smoothing=0.3)
    network = build_model(SMALL, recipe, 3)
    compile_model(network, build_optimizer(recipe, recipe.learning_rate), smoothed=True)
    probabilities = network.predict_on_batch(PHOTOS)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.3)
    expected = {
        True: loss(np.eye(3)[LABELS], probabilities),
        False: -np.log(probabilities[range(4), LABELS]).mean(),
    }
    accuracy = (probabilities.argmax(axis=1) == LABELS).mean()
    for learning, of_loss in expected.items():
        given = targets(recipe, 3, learning)[LABELS]
        found = network.test_on_batch(PHOTOS, given)
        np.testing.assert_allclose(found, [of_loss, accuracy], rtol=1e-5)


def test_a_model_saved_with_its_optimiser_is_keras_own(tmp_path: Path) -> None:
    """No schedule of this library is in it, and it can be trained on by integer labels."""
    recipe = dataclasses.replace(ALL, optimizer="adam", schedule="one-cycle", ema_momentum=0.9)
    network = build_model(SMALL, recipe, 3)
    optimizer = build_optimizer(recipe, schedule(recipe, steps=2))
    compile_model(network, optimizer)
    for _ in range(3):
        network.train_on_batch(PHOTOS, LABELS)
    saved = at_constant_rate(optimizer, recipe, network, 0.002)
    compile_model(network, saved)
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(loaded.optimizer.learning_rate) == pytest.approx(0.002)
    assert int(loaded.optimizer.iterations) == 3
    for ours, theirs in zip(loaded.optimizer.variables[2:], optimizer.variables[1:], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    loaded.train_on_batch(PHOTOS, LABELS)


@pytest.mark.parametrize("changes", [
    {}, {"momentum": 0.0}, {"optimizer": "adam"}, {"optimizer": "rmsprop"},
    {"optimizer": "adam", "gradient_accumulation_steps": 2, "ema_momentum": 0.9},
])  # fmt: skip
def test_what_an_optimiser_keeps_is_known_beforehand(changes: dict) -> None:
    recipe = dataclasses.replace(ALL, batch_size=4, **changes)
    network = build_model(SMALL, recipe, 3)
    optimizer = build_optimizer(recipe, recipe.learning_rate)
    optimizer.build(network.trainable_variables)
    kept = [value for value in optimizer.variables if len(value.shape)]
    assert len(kept) == state_values(recipe) * len(network.trainable_variables)


@pytest.mark.parametrize("parts", [1, 2])
def test_validation_sees_the_average_of_the_weights(parts: int) -> None:
    """Keras' average begins with the weights after the first update."""
    recipe = dataclasses.replace(
        ALL, batch_size=2, gradient_accumulation_steps=parts, ema_momentum=0.7
    )
    network = build_model(SMALL, recipe, 3)
    compile_model(network, build_optimizer(recipe, recipe.learning_rate))
    learned, validated, left = [], [], []
    callbacks = [
        Average(),
        keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: learned.append(network.get_weights()),
            on_test_batch_end=lambda batch, logs: validated.append(network.get_weights()),
            on_epoch_end=lambda epoch, logs: left.append(network.get_weights()),
        ),
    ]  # fmt: skip
    network.fit(PHOTOS, LABELS, 2 // parts, epochs=3, shuffle=False, verbose=0,
                validation_data=(PHOTOS, LABELS), callbacks=callbacks)  # fmt: skip
    steps = len(learned) // 3
    average, expected = learned[0], []
    for step, weights in enumerate(learned):
        share = 0.7 ** (1 / parts) if step >= parts else 0.0
        average = [share * a + (1 - share) * w for a, w in zip(average, weights, strict=True)]
        expected += [average] if (step + 1) % steps == 0 else []
    first_of_epoch = validated[:: len(validated) // 3]
    for found, wanted in zip(first_of_epoch, expected, strict=True):
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    for found, wanted in zip(left, learned[steps - 1 :: steps], strict=True):
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def with_batch_norm(weights: str | None, classes: int) -> tuple[keras.Model, keras.Model]:
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
    def build(weights: str | None, classes: int) -> tuple[keras.Model, keras.Model]:
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


def test_ft_a_takes_the_head_of_the_same_backbone_only(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    trained, start, other = (build_model(SMALL, ALL, 3) for _ in range(3))
    start.get_layer("backbone").set_weights(trained.get_layer("backbone").get_weights())
    file = tmp_path / "trained.keras"
    model_file.save(trained, file, {})
    build.attach_head(start, file)
    for ours, theirs in zip(start.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(UserError, match="--head fresh"):
        build.attach_head(other, file)


def architecture_of(network: str) -> ModuleType:
    return importlib.import_module(f"{network}.architecture")


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_penalises_what_it_says(network: str) -> None:
    module = architecture_of(network)
    assert module.ARCHITECTURE.name == network
    for recipe in (module.FC, module.ALL):
        built = build_model(module.ARCHITECTURE, dataclasses.replace(recipe, weights="none"), 3)
        learning_kernels = [w for w in built.trainable_weights if w.path.endswith("kernel")]
        assert len(built.losses) == (len(learning_kernels) if recipe.weight_decay else 0)


@pytest.mark.slow
@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "mobilenet"])
def test_weights_of_another_network_are_refused(network: str, weights: Path) -> None:
    module = architecture_of(network)
    recipe = dataclasses.replace(module.FC, weights=str(weights))
    with pytest.raises(UserError, match=f"--weights {weights}: not {module.ARCHITECTURE.title}'s"):
        build_model(module.ARCHITECTURE, recipe, 3)


@pytest.mark.slow
def test_vgg19_takes_fc6_and_fc7_from_weights_with_the_top(tmp_path) -> None:
    from vgg19.architecture import ARCHITECTURE

    original = keras.applications.VGG19(weights=None)
    original.save_weights(tmp_path / "vgg19.weights.h5")
    backbone, head = ARCHITECTURE.build(str(tmp_path / "vgg19.weights.h5"), 3)
    for ours, theirs in {"fc6": "fc1", "fc7": "fc2"}.items():
        for a, b in zip(
            head.get_layer(ours).get_weights(),
            original.get_layer(theirs).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)
    assert backbone.output_shape == (None, 7, 7, 512)
