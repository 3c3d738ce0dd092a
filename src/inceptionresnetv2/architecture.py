"""InceptionResNetV2 (Szegedy et al., 2017): the deep network."""

from typing import TYPE_CHECKING

from sentiment.recipe import Architecture, Recipe

if TYPE_CHECKING:
    import keras


def build(weights: str | None, classes: int) -> "tuple[keras.Model, keras.Model]":
    """Backbone from images to 1,536 pooled features, and one FC layer."""
    import keras

    backbone = keras.applications.InceptionResNetV2(
        input_shape=(224, 224, 3), include_top=False, pooling="avg", weights=weights
    )
    head = keras.Sequential([
        keras.Input(backbone.output_shape[1:]),
        keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities"),
    ])  # fmt: skip
    return backbone, head


ARCHITECTURE = Architecture(
    "inceptionresnetv2", "InceptionResNetV2", preprocessing="tf", build=build
)
FC = Recipe(layers="fc")
ALL = Recipe(layers="all", head="trained")
