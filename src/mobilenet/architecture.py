"""MobileNetV2 1.0/224 (Sandler et al., 2018): the small network.

The report's network of this name was MobileNet v1 with FC layers 256-128-3 without
nonlinearities, which together are one linear map: here it is one layer, as in the original.
"""

from typing import TYPE_CHECKING

from sentiment.recipe import Architecture, Recipe

if TYPE_CHECKING:
    import keras


def build(weights: str | None, classes: int) -> "tuple[keras.Model, keras.Model]":
    """Backbone from images to 1,280 pooled features, and one FC layer."""
    import keras

    backbone = keras.applications.MobileNetV2(
        input_shape=(224, 224, 3), include_top=False, pooling="avg", weights=weights
    )
    head = keras.Sequential([
        keras.Input(backbone.output_shape[1:]),
        keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities"),
    ])  # fmt: skip
    return backbone, head


ARCHITECTURE = Architecture("mobilenet", "MobileNetV2", preprocessing="tf", build=build)
FC = Recipe(layers="fc")
ALL = Recipe(layers="all", head="trained")
