"""How a network learns: its optimiser, its loss, and what it is to say of each class."""

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
    """Values that the optimiser keeps of each weight that learns."""
    own = {"sgd": recipe.momentum > 0, "adam": 2, "rmsprop": 1}[recipe.optimizer]
    return own + (recipe.gradient_accumulation_steps > 1) + (recipe.ema_momentum > 0)


def at_constant_rate(
    trained: keras.optimizers.Optimizer, recipe: Recipe, model: keras.Model, rate: float
) -> keras.optimizers.Optimizer:
    """An optimiser in the state of that which trained a model, without this library's schedule.

    Saved with it, the model can be loaded by Keras alone.
    """
    constant = build_optimizer(recipe, rate)
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
