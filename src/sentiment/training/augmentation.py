"""Photos changed at random while a network learns from them, by Keras' own layers, then mixed."""

import keras
from keras import layers

from sentiment.model.recipe import Recipe
from sentiment.training.mixing import DRAWN, Mix, MixingModel, mixes

CUT = 1 / 8
"""Part of each side that a crop leaves out (Krizhevsky et al., 2012: 224 of 256 are kept)."""

STRENGTH = 0.2
"""How much brightness, contrast and saturation change; hues stay, for they carry a mood."""


def augmented(network: keras.Model, recipe: Recipe) -> keras.Model:
    """A network that changes its photos at random in training, and shares all its weights.

    Outside training it leaves them as they are. The layers' random states are among its variables.
    Where photos are mixed, what is drawn for it is a second input. RandAugment is not in it, for
    photos are changed by that as they are read.
    """
    output = network.input
    for kind in recipe.augmentation:
        for layer in LAYERS.get(kind, list)():
            if keras.backend.backend() == "jax":
                layer.supports_jit = True  # Keras says no to all for the sake of TensorFlow's XLA
            output = layer(output)
    if not mixes(recipe):
        return keras.Model(network.input, _after(output, network))
    drawn = keras.Input((DRAWN,), name="drawn")
    mixed = Mix(dtype="float32")(output, drawn)
    return MixingModel([network.input, drawn], _after(mixed, network))


def _after(photos: keras.KerasTensor, network: keras.Model) -> keras.KerasTensor:
    """The output of a network for photos that come from other layers."""
    for operation in network.operations[1:]:
        photos = operation(photos)
    return photos


def _flip() -> list[layers.Layer]:
    return [layers.RandomFlip("horizontal", dtype="float32")]


def _crop() -> list[layers.Layer]:
    """Move each photo by whole pixels, no further than its middle reaches when it is enlarged.

    Keras' RandomCrop takes the same place of all photos of a batch, and shrinks them outside
    training.
    """
    return [
        layers.RandomTranslation(CUT / 2, CUT / 2, interpolation="nearest", dtype="float32"),
        layers.RandomZoom((-CUT, -CUT), dtype="float32"),
    ]


def _color() -> list[layers.Layer]:
    """Change colours in [0, 1], for Keras takes saturation for a number of the photo's range."""
    saturation = (0.5 - STRENGTH / 2, 0.5 + STRENGTH / 2)  # 0 is grey, 0.5 as it is
    return [
        layers.Rescaling(1 / 255, dtype="float32"),
        layers.RandomColorJitter(
            (0, 1), STRENGTH, STRENGTH, saturation_factor=saturation, dtype="float32"
        ),
        layers.Rescaling(255.0, dtype="float32"),
    ]


LAYERS = {"flip": _flip, "crop": _crop, "color": _color}
