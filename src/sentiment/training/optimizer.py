"""How a network learns: its optimiser, its loss, and the targets of smoothed labels."""

import keras
import numpy as np

from sentiment.model.recipe import Recipe


def build_optimizer(
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
    """How many values the optimiser keeps for each weight that learns."""
    moments = {"sgd": int(recipe.momentum > 0), "adam": 2, "rmsprop": 1}[recipe.optimizer]
    return moments + (recipe.gradient_accumulation_steps > 1) + (recipe.ema_momentum > 0)


def at_constant_rate(
    trained: keras.optimizers.Optimizer, recipe: Recipe, model: keras.Model, rate: float
) -> keras.optimizers.Optimizer:
    """An optimiser in the state of the one that trained a model, without this library's schedule.

    Keras alone can load a model that is saved with it.

    Args:
        rate: the learning rate from here on.
    """
    constant = build_optimizer(recipe, rate)
    constant.build(model.trainable_variables)
    state = [value for value in constant.variables if value is not constant.learning_rate]
    for value, trained_value in zip(state, trained.variables, strict=True):
        value.assign(trained_value)
    return constant


def targets(recipe: Recipe, classes: int, learning: bool) -> np.ndarray | None:
    """The probabilities that the network is to give for a photo of each class.

    Args:
        learning: otherwise validating, which is done by the labels as they are.

    Returns:
        float32 (classes, classes), a row a class; None where the recipe does not smooth labels.
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
    """Compile a model to be trained by `optimizer`, and make all its variables.

    Args:
        smoothed: a row of `targets` is given in each label's place.
        steps_at_once: steps after which Keras calls its callbacks.
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
    output = np.zeros((1, *model.output_shape[1:]), np.float32)
    model.compute_metrics(None, output if smoothed else np.zeros(1, np.int32), output)
    model.reset_metrics()
    # Here, for a scope of several devices does not last until `fit`.
    model.make_train_function()
    model.make_test_function()
