"""A network of a few weights, for tests in this process."""

import keras

from sentiment.model.recipe import Architecture, Recipe


def build_small(
    weights: str | None, classes: int, side: int = 224
) -> tuple[keras.Model, keras.Model]:
    """A linear backbone and a softmax layer."""
    backbone = keras.Sequential([
        keras.Input((side, side, 3)),
        keras.layers.AveragePooling2D(side // 4),
        keras.layers.Flatten(),
        keras.layers.Dense(5),
    ])  # fmt: skip
    head = keras.Sequential([keras.Input((5,)), keras.layers.Dense(classes, activation="softmax")])
    return backbone, head


SMALL = Architecture("small", "Small", preprocessing="tf", build=build_small)
ALL = Recipe(layers="all", weights="none", weight_decay=0.05, learning_rate=0.01)
