"""The whole model of a run: uint8 photos in, preprocessing, backbone, FC layers, probabilities."""

import hashlib
import json
import warnings

import keras
import numpy as np

from sentiment.decode import SIDE
from sentiment.errors import UserError
from sentiment.recipe import Architecture, Recipe

IMAGENET_MEAN_RGB = (123.68, 116.779, 103.939)
"""Of the photos VGG was trained on (Simonyan & Zisserman; keras.applications, mode "caffe")."""


def build(architecture: Architecture, recipe: Recipe, classes: int) -> keras.Model:
    """Build a network with its first weights, ready to be compiled.

    Returns:
        A model from uint8 RGB (b, SIDE, SIDE, 3) to float32 probabilities (b, classes), with
        the layers `backbone` and `head`, of which those that `recipe.layers` names learn.

    Raises:
        UserError: the weights are another network's, or cannot be downloaded.
    """
    backbone, head = _build_parts(architecture, recipe.weights, classes)
    if recipe.weight_decay:
        backbone, head = (_with_weight_decay(m, recipe.weight_decay) for m in (backbone, head))
    backbone.name, head.name = "backbone", "head"
    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    own = architecture.preprocessing
    pixels = _preprocessed(image, "caffe" if recipe.preprocessing == "caffe" else own)
    model = keras.Model(image, head(backbone(pixels)), name=architecture.name)
    _choose_layers(model, recipe)
    return model


def without_head(model: keras.Model) -> keras.Model:
    """The model as far as its features: preprocessing and backbone, sharing their weights."""
    output = model.input
    for operation in model.operations[1:-1]:
        output = operation(output)
    return keras.Model(model.input, output)


def fingerprint(model: keras.Model) -> str:
    """SHA-256 of a model's layers and weights."""
    layers = [(type(layer).__name__, layer.get_config()) for layer in model.layers]
    for _, config in layers:
        del config["name"]  # some are numbered by what the process has built before
    digest = hashlib.sha256(json.dumps(layers, sort_keys=True, default=str).encode())
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight))
    return digest.hexdigest()


def attach_head(model: keras.Model, trained: keras.Model) -> None:
    """Give `model` the FC layers of `trained`, an FT-F model with the same backbone.

    Raises:
        UserError: the trained layers were fitted to other features.
    """
    ours, theirs = (m.get_layer("backbone").get_weights() for m in (model, trained))
    if len(ours) != len(theirs) or not all(map(np.array_equal, ours, theirs)):
        raise UserError(
            "the FT-F model's FC layers were trained on another backbone than this run starts "
            "from; give both runs the same --weights and --seed, or this one --head fresh"
        )
    model.get_layer("head").set_weights(trained.get_layer("head").get_weights())


def sgd(recipe: Recipe) -> keras.optimizers.Optimizer:
    """SGD as Caffe does it: v = momentum * v - rate * gradient; w = w + v."""
    parts = recipe.gradient_accumulation_steps
    return keras.optimizers.SGD(
        learning_rate=recipe.learning_rate,
        momentum=recipe.momentum,
        gradient_accumulation_steps=parts if parts > 1 else None,
    )


def compile_model(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Compile for single labels, to be trained by `optimizer`, and make all variables."""
    model.compile(
        optimizer=optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    # Otherwise TensorFlow traces the first step twice, which takes minutes; a checkpoint is
    # also put back into what is there.
    optimizer.build(model.trainable_variables)
    model.compute_metrics(None, np.zeros(1, np.int32), np.zeros((1, *model.output_shape[1:])))
    model.reset_metrics()
    # Here, for a scope of several devices does not last until `fit`.
    model.make_train_function()
    model.make_test_function()


def _build_parts(
    architecture: Architecture, weights: str, classes: int
) -> tuple[keras.Model, keras.Model]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what does not fit is said below, in one line
            return architecture.build(None if weights == "none" else weights, classes)
    except Exception as error:  # Keras raises many kinds, a bare Exception for a failed download
        if weights == "none":
            raise
        reason = str(error).split("\n", 1)[0][:200]
        if weights == "imagenet":
            raise UserError(
                f"{architecture.title}'s ImageNet weights cannot be had ({reason}); give "
                "them as a file with --weights PATH, or start from --weights none"
            ) from error
        raise UserError(
            f"--weights {weights}: not {architecture.title}'s weights in Keras' format ({reason})"
        ) from error


def _preprocessed(image: keras.KerasTensor, mode: str) -> keras.KerasTensor:
    """What `keras.applications.imagenet_utils.preprocess_input` does, as part of the model."""
    if mode == "tf":
        return keras.layers.Rescaling(
            1 / 127.5, offset=-1.0, dtype="float32", name="to_unit_range"
        )(image)
    offset = [-mean for mean in IMAGENET_MEAN_RGB]
    rgb = keras.layers.Rescaling(1.0, offset=offset, dtype="float32", name="subtract_mean")(image)
    return keras.ops.flip(rgb, axis=-1)  # BGR, Caffe's order


def _with_weight_decay(model: keras.Model, decay: float) -> keras.Model:
    """The same model with Caffe's weight decay on its kernels.

    Caffe adds decay * w to the gradient, which is the gradient of decay / 2 * w**2. A layer
    takes its penalty only when it is built, so every layer is made anew.
    """

    def with_penalty(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if "kernel_regularizer" in config:
            config["kernel_regularizer"] = keras.regularizers.L2(decay / 2)
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=with_penalty)
    copy.set_weights(model.get_weights())
    return copy


def _choose_layers(model: keras.Model, recipe: Recipe) -> None:
    """Let the recipe's layers learn; a frozen batch normalisation also runs as in inference."""
    backbone = model.get_layer("backbone")
    backbone.trainable = recipe.layers == "all"
    if recipe.layers == "all" and recipe.freeze_batch_norm:
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
