"""The whole model of a run: uint8 photos in, preprocessing, backbone, FC layers, probabilities."""

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from sentiment.base.errors import UserError, first_line
from sentiment.base.project import shown_command
from sentiment.data.image_size import SIDE
from sentiment.model import model_file, networks, temperature, weights_file
from sentiment.model.recipe import Architecture, Recipe

IMAGENET_MEAN_RGB = (123.68, 116.779, 103.939)
"""Mean pixel of VGG's training photos (Simonyan & Zisserman; keras.applications, mode "caffe")."""

UNIT_MEAN_RGB, UNIT_DEVIATION_RGB = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's photos in [0, 1] (keras.applications, "torch")."""


def build_model(
    architecture: Architecture,
    recipe: Recipe,
    classes: int,
    mean: list[float] | None = None,
    side: int = SIDE,
) -> keras.Model:
    """Build a network with its first weights, ready to be compiled.

    Args:
        mean: the pixel that `recipe.preprocessing` "dataset-mean" subtracts: red, green, blue.
        side: width and height of the images, of `architecture.sides`.

    Returns:
        A model from uint8 RGB (b, side, side, 3) to float32 probabilities (b, classes), with
        the layers `backbone` and `head`, of which those that `recipe.layers` names learn.

    Raises:
        UserError: the weights are another network's, or cannot be downloaded.
    """
    backbone, head = _build_parts(architecture, recipe, classes, side)
    if recipe.penalty:
        backbone, head = (_with_weight_decay(m, recipe.penalty) for m in (backbone, head))
    backbone.name, head.name = "backbone", "head"
    image = keras.Input((side, side, 3), dtype="uint8", name="image")
    own = recipe.preprocessing == "own"
    mode = architecture.own_preprocessing(recipe.weights) if own else "caffe"
    pixels = _preprocessed(image, mode, mean or IMAGENET_MEAN_RGB)
    model = keras.Model(image, head(backbone(pixels)), name=architecture.name)
    _choose_layers(model, recipe)
    return model


def without_head(model: keras.Model) -> keras.Model:
    """The model as far as its features: preprocessing and backbone, sharing their weights."""
    output = model.input
    for operation in model.operations[1:-1]:
        output = operation(output)
    return keras.Model(model.input, output)


def flat(model: keras.Model) -> Iterator[keras.Layer]:
    """A model's layers in their order, with those of models inside it in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from flat(layer)
        else:
            yield layer


def with_mirror(model: keras.Model) -> keras.Model:
    """A model that predicts a photo by the mean of its probabilities and its mirror image's, after
    Simonyan & Zisserman (2015, section 3.2); it shares the weights of the model given."""
    image = model.input
    both = [model(image), model(keras.ops.flip(image, axis=2))]
    return keras.Model(image, keras.layers.Average(name="with_mirror")(both))


def fingerprint(model: keras.Model) -> str:
    """SHA-256 of a model's layers and weights."""
    layers = [(type(layer).__name__, layer.get_config()) for layer in flat(model)]
    for _, config in layers:
        del config["name"]  # some are numbered by what the process has built before
        if "kernel_regularizer" in config:
            config["kernel_regularizer"] = None  # of no account to what a layer computes
    digest = hashlib.sha256(json.dumps(layers, sort_keys=True, default=str).encode())
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()


def attach_head(model: keras.Model, trained: Path) -> None:
    """Give `model` the FC layers of an FT-F model's file, which has the same backbone.

    Where that model is calibrated, its last layer is taken as it was before, up to rounding.

    Raises:
        UserError: the trained layers were fitted to other features, or the file is damaged.
    """
    backbone = model.get_layer("backbone")
    before = backbone.get_weights()
    model_file.load_weights(model, trained)
    if (divided_by := temperature.of_card(model_file.read_card(trained))) != 1:
        temperature.divide(temperature.last_layer(model, trained), 1 / divided_by)
    if not all(map(np.array_equal, before, backbone.get_weights())):
        raise UserError(
            f"{trained}: its FC layers were trained on another backbone than this run starts "
            "from; give both runs the same --weights and --seed, or this one --head fresh"
        )


def _build_parts(
    architecture: Architecture, recipe: Recipe, classes: int, side: int
) -> tuple[keras.Model, keras.Model]:
    weights = recipe.weights
    try:
        with warnings.catch_warnings(), weights_file.named_by_form(weights) as file:
            warnings.simplefilter("ignore")  # what does not fit is said below, in one line
            return architecture.build(None if weights == "none" else file, classes, side)
    except Exception as error:  # Keras raises many kinds, a bare Exception for a failed download
        if weights == "none":
            raise
        reason = first_line(error)
        if weights == "imagenet":
            raise UserError(
                f"{architecture.title}'s ImageNet weights cannot be had ({reason}); give them as a "
                f"file with --weights PATH{_or_installed(architecture, recipe)}"
            ) from error
        raise UserError(
            f"--weights {weights}: not {architecture.title}'s weights ({reason})"
        ) from error


def _or_installed(architecture: Architecture, recipe: Recipe) -> str:
    """The end of a sentence that names the network whose weights need no download."""
    if architecture.name == networks.INSTALLED:
        return ""
    installed = networks.named(networks.INSTALLED).architecture.title
    script = shown_command(networks.training_script(networks.INSTALLED, recipe.layers))
    return f", or train {installed}, whose weights are installed ({script})"


def _preprocessed(image: keras.KerasTensor, mode: str, mean: Sequence[float]) -> keras.KerasTensor:
    """Preprocess as the network was trained (keras.applications, EfficientNet-Lite), in the model.

    Args:
        mean: the mean pixel, RGB, for the mode "caffe".
    """
    if mode == "torch":
        scale = [1 / 255 / deviation for deviation in UNIT_DEVIATION_RGB]
        offset = [-m / d for m, d in zip(UNIT_MEAN_RGB, UNIT_DEVIATION_RGB, strict=True)]
        return keras.layers.Rescaling(scale, offset, dtype="float32", name="standardise")(image)
    if mode in ("tf", "lite"):
        to_unit = {"tf": (1 / 127.5, -1.0), "lite": (1 / 128, -127 / 128)}[mode]
        return keras.layers.Rescaling(*to_unit, dtype="float32", name="to_unit_range")(image)
    offset = [-value for value in mean]
    rgb = keras.layers.Rescaling(1.0, offset=offset, dtype="float32", name="subtract_mean")(image)
    return keras.ops.flip(rgb, axis=-1)  # BGR, Caffe's order


def _with_weight_decay(model: keras.Model, decay: float) -> keras.Model:
    """Copy a model, with Caffe's weight decay on the kernels of the copy.

    Caffe adds decay * w to the gradient, which is the gradient of decay / 2 * w**2. A layer
    takes its penalty only when it is built, so every layer is made anew.
    """

    def with_penalty(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if "kernel_regularizer" in config:
            config["kernel_regularizer"] = keras.regularizers.L2(decay / 2)
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=with_penalty, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def _choose_layers(model: keras.Model, recipe: Recipe) -> None:
    """Let the recipe's layers learn; those that are frozen also run as in inference.

    Keras does so for batch normalisation alone: a frozen dropout would go on dropping.
    """
    backbone = model.get_layer("backbone")
    backbone.trainable = recipe.layers == "all"
    if recipe.layers == "fc":
        for layer in flat(backbone):
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
    if recipe.layers == "all" and recipe.freeze_batch_norm:
        for layer in flat(backbone):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
