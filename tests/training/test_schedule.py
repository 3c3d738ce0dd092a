"""Learning rates, update by update, against the formulas as they were published."""

import dataclasses
import math

import keras
import numpy as np
import pytest

from sentiment.model.recipe import Recipe
from sentiment.training.optimizer import build_optimizer
from sentiment.training.schedule import schedule

EPOCHS, STEPS = 15, 12
"""Epochs, and steps of Keras' loop in each."""


def step(update: int, steps: int) -> float:
    """The report: divided by 10 once every 5 epochs."""
    return 0.1 ** (update // (5 * steps))


def early_step(update: int, steps: int) -> float:
    """The report's scripts: `(epoch + 1) // 5`."""
    return 0.1 ** ((update // steps + 1) // 5)


def triangular(update: int, steps: int) -> float:
    """Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.2."""
    lowest, highest, step_size = 1 / 4, 1, 5 * steps / 2
    cycle = math.floor(1 + update / (2 * step_size))
    x = abs(update / step_size - 2 * cycle + 1)
    return lowest + (highest - lowest) * max(0, 1 - x)


def triangular2(update: int, steps: int) -> float:
    """Smith (2017): "the learning rate difference is cut in half at the end of each cycle"."""
    cycle = math.floor(1 + update / (5 * steps))
    return 1 / 4 + (triangular(update, steps) - 1 / 4) / 2 ** (cycle - 1)


def one_cycle(update: int, steps: int) -> float:
    """PyTorch's OneCycleLR with its defaults, as its documentation states them."""
    total, pct_start, div_factor, final_div_factor = EPOCHS * steps, 0.3, 25, 1e4
    first = 1 / div_factor
    peak = pct_start * total - 1
    if update <= peak:
        start, end, part = first, 1, update / peak
    else:
        start, end, part = 1, first / final_div_factor, (update - peak) / (total - 1 - peak)
    return end + (start - end) / 2 * (math.cos(math.pi * part) + 1)


def cosine(update: int, steps: int) -> float:
    """Loshchilov & Hutter, "SGDR", 2017, equation 5, with least 0 and one run of all epochs."""
    return 0.5 * (1 + math.cos(math.pi * update / (EPOCHS * steps)))


FORMULAS = {
    formula.__name__.replace("_", "-"): formula
    for formula in (step, early_step, triangular, triangular2, one_cycle, cosine)
}


@pytest.mark.parametrize("parts", [1, 4])
@pytest.mark.parametrize("name", FORMULAS)
def test_every_update_has_the_rate_of_the_published_formula(name: str, parts: int) -> None:
    """Where gradients are accumulated, only the last part of a batch makes an update."""
    recipe = Recipe("all", EPOCHS, 64, parts, learning_rate=0.02, schedule=name)
    rate = schedule(recipe, STEPS)
    updates = EPOCHS * STEPS // parts
    given = [float(rate(parts * update + parts - 1)) for update in range(updates)]
    expected = [0.02 * FORMULAS[name](update, STEPS // parts) for update in range(updates)]
    np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", ["step", "early-step", "cosine"])
def test_a_warm_up_rises_to_the_schedule_and_leaves_the_rest(name: str) -> None:
    """Goyal et al., "Accurate, Large Minibatch SGD", 2017, section 2.2: a constant amount each."""
    parts = 4
    plain = Recipe("all", EPOCHS, 64, parts, learning_rate=0.02, schedule=name)
    updates, rising = EPOCHS * STEPS // parts, 4.25 * STEPS / parts
    rates = {
        epochs: [float(rate(parts * update + parts - 1)) for update in range(updates)]
        for epochs in (0.0, 0.01, 4.25)
        for rate in [schedule(dataclasses.replace(plain, warmup_epochs=epochs), STEPS)]
    }
    risen = math.ceil(rising) - 1  # the first update that has the whole rate
    expected = [
        0.02 * FORMULAS[name](update, STEPS // parts) * (update + 1) / rising
        for update in range(risen)
    ]
    np.testing.assert_allclose(rates[4.25][:risen], expected, rtol=1e-5)
    assert rates[4.25][risen:] == rates[0.0][risen:]
    assert rates[0.01] == rates[0.0]  # less than an update


@pytest.mark.parametrize("name", FORMULAS)
def test_a_training_shorter_than_an_update_has_a_rate_too(name: str) -> None:
    rate = schedule(Recipe("all", epochs=1, gradient_accumulation_steps=8, schedule=name), steps=1)
    assert 0 < float(rate(0)) < 1.001e-3


def test_parts_of_a_batch_do_not_hurry_the_schedule() -> None:
    """The optimiser itself asks for the rate by parts, so it is its weights that are looked at."""
    recipe = Recipe("all", 2, 4, 2, learning_rate=1.0, schedule="cosine", momentum=0.0)
    weight = keras.Variable(0.0)
    optimizer = build_optimizer(recipe, schedule(recipe, steps=4))
    optimizer.build([weight])
    moved = [0.0]
    for _ in range(8):
        optimizer.apply([keras.ops.convert_to_tensor(-1.0)])
        moved.append(float(weight))
    steps = [0.5 * (1 + math.cos(math.pi * update / 4)) for update in range(4)]
    np.testing.assert_allclose(np.diff(moved), np.ravel([[0.0, x] for x in steps]), atol=1e-6)
