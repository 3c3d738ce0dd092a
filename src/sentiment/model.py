"""The whole model of a run: uint8 photos in, preprocessing, backbone, FC layers, probabilities."""

import hashlib
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from sentiment import model_file
from sentiment.decode import SIDE
from sentiment.errors import UserError
from sentiment.recipe import Architecture, Recipe

IMAGENET_MEAN_RGB = (123.68, 116.779, 103.939)
"""Of the photos VGG was trained on (Simonyan & Zisserman; keras.applications, mode "caffe")."""

UNIT_MEAN_RGB, UNIT_DEVIATION_RGB = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's photos in [0, 1] (keras.applications, mode "torch")."""


def build(
    architecture: Architecture, recipe: Recipe, classes: int, mean: list[float] | None = None
) -> keras.Model:
    """Build a network with its first weights, ready to be compiled.

    Args:
        mean: the pixel that `recipe.preprocessing` "dataset-mean" subtracts: red, green, blue.

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
    mode = architecture.preprocessing if recipe.preprocessing == "own" else "caffe"
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


def fingerprint(model: keras.Model) -> str:
    """SHA-256 of a model's layers and weights."""
    layers = [(type(layer).__name__, layer.get_config()) for layer in model.layers]
    for _, config in layers:
        del config["name"]  # some are numbered by what the process has built before
        if "kernel_regularizer" in config:
            config["kernel_regularizer"] = None  # of no account to what a layer computes
    digest = hashlib.sha256(json.dumps(layers, sort_keys=True, default=str).encode())
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight))
    return digest.hexdigest()


def attach_head(model: keras.Model, trained: Path) -> None:
    """Give `model` the FC layers of an FT-F model's file, which has the same backbone.

    Raises:
        UserError: the trained layers were fitted to other features, or the file is damaged.
    """
    ours = model.get_layer("backbone").get_weights()
    model_file.load_weights(model, trained)
    if not all(map(np.array_equal, ours, model.get_layer("backbone").get_weights())):
        raise UserError(
            f"{trained}: its FC layers were trained on another backbone than this run starts "
            "from; give both runs the same --weights and --seed, or this one --head fresh"
        )


def optimizer(
    recipe: Recipe, rate: float | keras.optimizers.schedules.LearningRateSchedule
) -> keras.optimizers.Optimizer:
    """The recipe's optimiser; SGD as in Caffe: v = momentum * v - rate * gradient; w = w + v."""
    parts = recipe.gradient_accumulation_steps
    settings = {
        "learning_rate": rate,
        "gradient_accumulation_steps": parts if parts > 1 else None,
    }
    if recipe.ema_momentum:  # which Keras applies after each part
        settings |= {"use_ema": True, "ema_momentum": recipe.ema_momentum ** (1 / parts)}
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(momentum=recipe.momentum, **settings)
    return {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[recipe.optimizer](
        **settings
    )


def state_values(recipe: Recipe) -> int:
    """Values that the optimiser keeps of each weight that learns."""
    own = {"sgd": recipe.momentum > 0, "adam": 2, "rmsprop": 1}[recipe.optimizer]
    return own + (recipe.gradient_accumulation_steps > 1) + (recipe.ema_momentum > 0)


def at_constant_rate(
    trained: keras.optimizers.Optimizer, recipe: Recipe, model: keras.Model, rate: float
) -> keras.optimizers.Optimizer:
    """An optimiser in the state of that which trained a model, without this library's schedule.

    Saved with it, the model can be loaded by Keras alone.
    """
    constant = optimizer(recipe, rate)
    constant.build(model.trainable_variables)
    state = [value for value in constant.variables if value is not constant.learning_rate]
    for ours, theirs in zip(state, trained.variables, strict=True):
        ours.assign(theirs)
    return constant


def targets(recipe: Recipe, classes: int, learning: bool) -> np.ndarray | None:
    """What is to be said of each class, float32 (classes, classes), where labels are smoothed.

    Args:
        learning: otherwise validating, which is done by the labels as they are.
    """
    if not recipe.label_smoothing:
        return None
    share = recipe.label_smoothing if learning else 0.0
    return (1 - share) * np.eye(classes, dtype=np.float32) + np.float32(share / classes)


def compile_model(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    smoothed: bool = False,
    steps_at_once: int = 1,
) -> None:
    """Compile to be trained by `optimizer`, and make all variables.

    Args:
        smoothed: a row of `targets` is given in each label's place.
        steps_at_once: after how many Keras calls its callbacks.
    """
    model.compile(
        optimizer=optimizer,
        loss="categorical_crossentropy" if smoothed else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_at_once,
    )
    # Otherwise TensorFlow traces the first step twice, which takes minutes; a checkpoint is
    # also put back into what is there.
    optimizer.build(model.trainable_variables)
    said = np.zeros((1, *model.output_shape[1:]), np.float32)
    model.compute_metrics(None, said if smoothed else np.zeros(1, np.int32), said)
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


def _preprocessed(image: keras.KerasTensor, mode: str, mean: Sequence[float]) -> keras.KerasTensor:
    """What `keras.applications.imagenet_utils.preprocess_input` does, as part of the model.

    Args:
        mean: RGB, for the mode "caffe".
    """
    if mode == "torch":
        scale = [1 / 255 / deviation for deviation in UNIT_DEVIATION_RGB]
        offset = [-m / d for m, d in zip(UNIT_MEAN_RGB, UNIT_DEVIATION_RGB, strict=True)]
        return keras.layers.Rescaling(scale, offset, dtype="float32", name="standardise")(image)
    if mode == "tf":
        return keras.layers.Rescaling(
            1 / 127.5, offset=-1.0, dtype="float32", name="to_unit_range"
        )(image)
    offset = [-value for value in mean]
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
    """Let the recipe's layers learn; those that are frozen also run as in inference.

    Keras does so for batch normalisation alone: a frozen dropout would go on dropping.
    """
    backbone = model.get_layer("backbone")
    backbone.trainable = recipe.layers == "all"
    if recipe.layers == "fc":
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
    if recipe.layers == "all" and recipe.freeze_batch_norm:
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
