"""Updates of every optimiser, with layer decay, against their formulas, on this backend.

Command, with src and tests in PYTHONPATH:

    python tests/helpers/update_formulas.py
"""

import dataclasses

import keras
import numpy as np
from keras import layers

from sentiment.model.build import build_model
from sentiment.model.recipe import Architecture, Recipe
from sentiment.training.optimizer import build_optimizer

RECIPE = Recipe(layers="all", weights="none", learning_rate=0.25, layer_decay=0.5)
DEPTHS = [12, 12, 11, 10, 9, 8, 7, 6, 6, 5, 4, 3, 2, 1]
"""Of 14 kernels in 12 groups, from the image on."""

Arrays = list[np.ndarray]


def build(weights: str | None, classes: int, side: int) -> tuple[keras.Model, keras.Model]:
    """Fully connected layers, 14 in the backbone, where the second has batch normalisation."""
    dense = [layers.Dense(2) for _ in DEPTHS]
    backbone = keras.Sequential([
        keras.Input((side, side, 3)), layers.GlobalAveragePooling2D(), *dense[:2],
        layers.BatchNormalization(), *dense[2:],
    ])  # fmt: skip
    return backbone, keras.Sequential([keras.Input((2,)), layers.Dense(classes)])


DEEP = Architecture("deep", "Deep", preprocessing="tf", build=build)


def depths(network: keras.Model) -> list[int]:
    """The depth of each variable: a kernel with its bias, the second with gamma and beta too."""
    by_layer = np.repeat(DEPTHS, [2, 4, *[2] * 12])
    assert len(network.trainable_variables) == len(by_layer) + 2
    return [*by_layer, 0, 0]


def updated(network: keras.Model, recipe: Recipe, first: Arrays, gradients: list[Arrays]) -> Arrays:
    """The variables after an update by each of the gradients."""
    variables = network.trainable_variables
    for variable, value in zip(variables, first, strict=True):
        variable.assign(value)
    optimizer = build_optimizer(recipe, recipe.learning_rate, network)
    optimizer.build(variables)
    for of_variables in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in of_variables])
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def formula(recipe: Recipe, w: np.ndarray, gradients: Arrays, rate: float, decay: float) -> Arrays:
    """A weight after updates: SGD as in Caffe, RMSprop (Hinton), Adam (Kingma & Ba, 2015), AdamW
    (Loshchilov & Hutter, 2019, algorithm 2, the decay times the rate as in PyTorch)."""
    w, m, v = w.astype(np.float64), 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        if recipe.optimizer == "sgd":
            m = recipe.momentum * m - rate * g
            w = w + m
        elif recipe.optimizer == "rmsprop":
            v = 0.9 * v + 0.1 * g**2
            w = w - rate * g / np.sqrt(v + 1e-7)
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            step = m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.999**t))
            w = w - rate * (step + decay * w)
    return w


def check() -> None:
    """Check all of it.

    Raises:
        AssertionError: an update is another.
    """
    network = build_model(DEEP, RECIPE, 3)
    variables, depth_of = network.trainable_variables, depths(network)
    random = np.random.default_rng(1)

    def drawn() -> Arrays:
        return [random.uniform(0.5, 1, variable.shape).astype("float32") for variable in variables]

    first, gradients = drawn(), [drawn(), drawn()]
    zeros = [np.zeros_like(value) for value in first]
    alike = dataclasses.replace(RECIPE, layer_decay=1.0)
    whole = updated(network, alike, zeros, gradients[:1])
    for part, of_whole, depth in zip(
        updated(network, RECIPE, zeros, gradients[:1]), whole, depth_of, strict=True
    ):
        np.testing.assert_array_equal(part, of_whole * np.float32(0.5**depth))
    for name, decay in {"sgd": 0.0, "rmsprop": 0.0, "adam": 0.0, "adamw": 0.8}.items():
        recipe = dataclasses.replace(RECIPE, optimizer=name, weight_decay=decay)
        reached = updated(network, recipe, first, gradients)
        for place, variable in enumerate(variables):
            of_kernel = decay if variable.name == "kernel" else 0.0
            rate = 0.25 * 0.5 ** depth_of[place]
            of_variable = [of_variables[place] for of_variables in gradients]
            expected = formula(recipe, first[place], of_variable, rate, of_kernel)
            np.testing.assert_allclose(
                reached[place], expected, 1e-5, 1e-5, err_msg=f"{name} {variable.path}"
            )


if __name__ == "__main__":
    check()
