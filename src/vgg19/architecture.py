"""VGG19 (Simonyan & Zisserman, 2014), with the FC layers of the paper's VGG-T4SA."""

from typing import TYPE_CHECKING

from sentiment.data.image_size import SIDE
from sentiment.model.recipe import Architecture, Recipe

if TYPE_CHECKING:
    import keras


def build(weights: str | None, classes: int, side: int) -> "tuple[keras.Model, keras.Model]":
    """Backbone from images to 7 x 7 x 512 features, and fc6, fc7, fc8 with dropout between.

    fc6 and fc7 start from ImageNet's weights when the weights hold them: "imagenet" does, a
    file may be one with the top or without.
    """
    import keras

    backbone, whole = _backbone(weights, side)
    head = keras.Sequential([
        keras.Input(backbone.output_shape[1:]),
        keras.layers.Flatten(),
        keras.layers.Dense(4096, activation="relu", name="fc6"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(4096, activation="relu", name="fc7"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(classes, activation="softmax", dtype="float32", name="fc8"),
    ])  # fmt: skip
    if whole:
        for name, original in {"fc6": "fc1", "fc7": "fc2"}.items():
            head.get_layer(name).set_weights(whole.get_layer(original).get_weights())
    return backbone, head


def _backbone(weights: str | None, side: int) -> "tuple[keras.Model, keras.Model | None]":
    """The convolutions, and the whole original network where the weights are for that."""
    import keras

    if weights is not None:
        try:
            whole = keras.applications.VGG19(weights=weights)
            pooled = whole.get_layer("block5_pool").output
            return keras.Model(whole.input, pooled), whole
        except ValueError:  # a file without the top
            if weights == "imagenet":
                raise
    shape = (side, side, 3)
    return keras.applications.VGG19(include_top=False, weights=weights, input_shape=shape), None


ARCHITECTURE = Architecture(
    name="vgg19",
    title="VGG19",
    preprocessing="caffe",
    build=build,
    sides=(SIDE,),
    batch_norm=False,
)
FC = Recipe(layers="fc", weight_decay=1e-5)
ALL = Recipe(layers="all", head="trained", weight_decay=1e-5, batch_size=48)
