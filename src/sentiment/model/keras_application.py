"""A network of `keras.applications` with pooled features and one fully connected layer."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def builder(
    application: str, **settings: object
) -> Callable[[str | None, int, int], "tuple[keras.Model, keras.Model]"]:
    """Make an `Architecture.build` of a network that is named in `keras.applications`.

    The backbone ends in global average pooling; the fully connected part is the softmax layer
    that the original has on it, for other classes.

    Args:
        settings: more arguments of the network's function in `keras.applications`.
    """

    def build(weights: str | None, classes: int, side: int) -> "tuple[keras.Model, keras.Model]":
        import keras

        network = getattr(keras.applications, application)
        backbone = network(
            input_shape=(side, side, 3), include_top=False, pooling="avg", weights=weights,
            **settings,
        )  # fmt: skip
        return backbone, softmax_head(backbone.output_shape[1], classes)

    return build


def softmax_head(features: int, classes: int) -> "keras.Model":
    """One fully connected layer from so many features to probabilities, in float32."""
    import keras

    return keras.Sequential([
        keras.Input((features,)),
        keras.layers.Dense(classes, activation="softmax", dtype="float32"),
    ])  # fmt: skip
