"""Learning rates, computed in the graph from the number of updates that the optimiser has made."""

import math
from collections.abc import Callable

import keras
from keras import ops
from keras.optimizers import schedules

from sentiment.model.recipe import Recipe

Curve = Callable[[keras.KerasTensor], keras.KerasTensor]
"""From the number of updates made before, an integer, to the learning rate of the next one."""

STEP_EPOCHS = 5
"""Epochs after which the report divides the rate by 10, again and again."""

CYCLE_FLOOR = 1 / 4
"""The lowest rate of a cycle, as a part of the highest: Smith (2017) takes a third or a fourth."""

ONE_CYCLE_RISE = 0.3
"""Part of the updates in which the one cycle rises (fastai and PyTorch's OneCycleLR)."""
ONE_CYCLE_FIRST, ONE_CYCLE_LAST = 1 / 25, 1 / 25 / 1e4
"""First and last rate of the one cycle, as parts of the highest (fastai and OneCycleLR)."""


class Schedule(schedules.LearningRateSchedule):
    """A curve over updates, for an optimiser that counts batches, or the parts of them.

    Args:
        parts: in how many parts a batch goes through the network; the last makes the update.
    """

    def __init__(self, curve: Curve, parts: int):
        super().__init__()
        self.curve, self.parts = curve, parts

    def __call__(self, step: keras.KerasTensor) -> keras.KerasTensor:
        return self.curve(ops.floor_divide(step, self.parts))


def schedule(recipe: Recipe, steps: int) -> Schedule:
    """The recipe's schedule.

    Args:
        steps: steps of Keras' loop in an epoch: batches, or the parts of them.
    """
    parts, rate = recipe.gradient_accumulation_steps, recipe.learning_rate

    def updates(epochs: int) -> int:
        return epochs * steps // parts

    total = max(1, updates(recipe.epochs))
    if recipe.schedule in ("step", "early-step"):
        first = STEP_EPOCHS - (recipe.schedule == "early-step")
        falls = range(first, recipe.epochs + STEP_EPOCHS, STEP_EPOCHS)
        curve = schedules.PiecewiseConstantDecay(
            [updates(epoch) - 1 for epoch in falls],
            [rate * 0.1**number for number in range(len(falls) + 1)],
        )
    elif recipe.schedule == "cosine":
        curve = schedules.CosineDecay(rate, total)
    elif recipe.schedule == "one-cycle":
        curve = _one_cycle(rate, total)
    else:
        cycle = recipe.cycle_epochs * steps / parts
        curve = _triangular(rate, cycle, halved=recipe.schedule == "triangular2")
    if recipe.warmup_epochs:
        curve = _warmed_up(curve, recipe.warmup_epochs * steps / parts)
    return Schedule(curve, parts)


def _warmed_up(curve: Curve, updates: float) -> Curve:
    """Multiply a curve's first rates by parts that rise from 1 / updates to 1 (Goyal et al., 2017).

    The curve is not shifted: after so many updates it is what it is without.
    """

    def warmed_up(update: keras.KerasTensor) -> keras.KerasTensor:
        return curve(update) * ops.minimum((ops.cast(update, "float32") + 1) / updates, 1.0)

    return warmed_up


def _triangular(highest: float, cycle: float, halved: bool) -> Curve:
    """Rise and fall along straight lines, once in `cycle` updates.

    Args:
        halved: each cycle is half as high as the one before.
    """
    lowest = highest * CYCLE_FLOOR

    def curve(update: keras.KerasTensor) -> keras.KerasTensor:
        cycles = ops.cast(update, "float32") / cycle
        done = ops.floor(cycles)
        height = 1 - ops.abs(2 * (cycles - done) - 1)
        return lowest + (highest - lowest) * height * (0.5**done if halved else 1)

    return curve


def _one_cycle(highest: float, total: int) -> Curve:
    """Rise to the highest rate and fall further than it rose, both along half a cosine."""
    peak, last = ONE_CYCLE_RISE * total - 1, total - 1

    def half_cosine(start: float, end: float, part: keras.KerasTensor) -> keras.KerasTensor:
        return end + (start - end) / 2 * (1 + ops.cos(math.pi * part))

    def curve(update: keras.KerasTensor) -> keras.KerasTensor:
        update = ops.minimum(ops.cast(update, "float32"), last)
        rise = half_cosine(highest * ONE_CYCLE_FIRST, highest, update / peak)
        fall = half_cosine(highest, highest * ONE_CYCLE_LAST, (update - peak) / (last - peak))
        return ops.where(update <= peak, rise, fall)

    return curve
