"""How a network learns: its optimiser and its loss."""

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
