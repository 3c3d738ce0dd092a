"""How a network learns: its optimiser and its loss."""

import keras
import numpy as np

from sentiment.model.recipe import Recipe
from sentiment.training import layer_decay

KINDS = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
}

NO_KERNELS = "^(?!.*kernel)"
"""Matches the names of variables that have no weight decay in AdamW: all but kernels."""


def build_optimizer(
    recipe: Recipe,
    rate: float | keras.optimizers.schedules.LearningRateSchedule,
    network: keras.Model | None = None,
) -> keras.optimizers.Optimizer:
    """The recipe's optimiser.

    SGD is Caffe's: v = momentum * v - rate * gradient; w = w + v. AdamW is PyTorch's: before the
    update of Adam, a kernel loses rate * decay of itself.

    Args:
        network: the whole network, for the recipe's layer decay; None: all layers have the same
            rate, and the optimiser is one of Keras' own.
    """
    parts = recipe.gradient_accumulation_steps
    settings = {
        "learning_rate": rate,
        "gradient_accumulation_steps": parts if parts > 1 else None,
    }
    if recipe.ema_momentum:  # which Keras applies after each part
        settings |= {"use_ema": True, "ema_momentum": recipe.ema_momentum ** (1 / parts)}
    if recipe.optimizer == "sgd":
        settings["momentum"] = recipe.momentum
    if recipe.optimizer == "adamw":
        settings["weight_decay"] = recipe.weight_decay
    optimizer = KINDS[recipe.optimizer](**settings)
    if network and recipe.layers == "all" and recipe.layer_decay < 1:
        # PyTorch has kinds of its own, which Keras makes in the place of those that are named.
        kind = layer_decay.optimizer_of(type(optimizer), network, recipe.layer_decay)
        optimizer = kind(**settings)
    if recipe.optimizer == "adamw":
        optimizer.exclude_from_weight_decay(var_names=[NO_KERNELS])
    return optimizer


def state_values(recipe: Recipe) -> int:
    """How many values the optimiser keeps for each weight that learns."""
    moments = {"sgd": int(recipe.momentum > 0), "adam": 2, "adamw": 2, "rmsprop": 1}
    kept_too = (recipe.gradient_accumulation_steps > 1) + (recipe.ema_momentum > 0)
    return moments[recipe.optimizer] + kept_too


def at_constant_rate(
    trained: keras.optimizers.Optimizer, recipe: Recipe, model: keras.Model, rate: float
) -> keras.optimizers.Optimizer:
    """An optimiser in the state of the one that trained a model, without this library's schedule
    and layer decay.

    Keras alone can load a model that is saved with it. Keras does not keep which variables have
    no weight decay in AdamW: in a loaded model all have it.

    Args:
        rate: the learning rate from here on.
    """
    constant = build_optimizer(recipe, rate)
    constant.build(model.trainable_variables)
    state = [value for value in constant.variables if value is not constant.learning_rate]
    for value, trained_value in zip(state, trained.variables, strict=True):
        value.assign(trained_value)
    return constant


def compile_model(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    soft: bool = False,
    steps_at_once: int = 1,
) -> None:
    """Compile a model to be trained by `optimizer`, and make all its variables.

    Args:
        soft: probabilities of all classes are given in each label's place, as `Targets` has them.
        steps_at_once: steps after which Keras calls its callbacks.
    """
    model.compile(
        optimizer=optimizer,
        loss="categorical_crossentropy" if soft else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_at_once,
    )
    # Otherwise TensorFlow traces the first step twice, which takes minutes; a checkpoint is
    # also put back into what is there.
    optimizer.build(model.trainable_variables)
    output = np.zeros((1, *model.output_shape[1:]), np.float32)
    model.compute_metrics(None, output if soft else np.zeros(1, np.int32), output)
    model.reset_metrics()
    # Here, for a scope of several devices does not last until `fit`.
    model.make_train_function()
    model.make_test_function()
