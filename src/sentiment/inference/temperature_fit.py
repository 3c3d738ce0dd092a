"""The temperature that makes a model's probabilities likeliest, and how honest they are with it."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from sentiment.runs import scores
from sentiment.runs.predictions import Predictions

LEAST, MOST = 0.01, 100.0
"""Temperatures that are looked at. One beyond them would make every probability about 0 or 1, or
all classes about as likely as each other."""

PRECISION = 1e-7
"""How near the temperature is to the best one, relative to it."""


@dataclass(frozen=True)
class Honesty:
    """How well probabilities fit the labels of n images."""

    nll: float
    """Mean negative log-likelihood, in nats."""
    ece: float
    """Expected calibration error (Guo et al., 2017), as `runs/scores.py` defines it."""


@dataclass(frozen=True)
class Change:
    """What a temperature changes on n images."""

    before: Honesty
    """How well the probabilities of the undivided logits fit."""
    after: Honesty
    """How well those of the divided ones fit."""
    nll_change: float
    """NLL after less NLL before."""
    nll_change_interval: tuple[float, float]
    """Its 95 % interval, by the normal distribution of the mean over images."""


def best(logits: np.ndarray, labels: np.ndarray) -> float | None:
    """The temperature of the least negative log-likelihood, which is convex in its inverse.

    Args:
        logits: float (n, classes).
        labels: int (n,).

    Returns:
        None if there is none within LEAST and MOST: where all images are right, the best one is 0,
        and where the logits tell nothing of the labels, it is infinite.
    """
    logits = logits.astype(np.float64)
    if (logits.argmax(axis=1) == labels).all():
        return None
    ends = np.log([LEAST, MOST])
    found = minimize_scalar(
        lambda exponent: _losses(logits / np.exp(exponent), labels).mean(),
        bounds=ends, method="bounded", options={"xatol": PRECISION},
    ).x  # fmt: skip
    at_an_end = np.abs(found - ends).min() < 100 * PRECISION
    return None if at_an_end else float(np.exp(found))


def change(before: Predictions, logits: np.ndarray, temperature: float) -> Change:
    """What dividing logits by a temperature changes.

    Args:
        before: the predictions of the undivided logits; their probabilities are left alone.
        logits: float (n, classes).
    """
    logits = logits.astype(np.float64)
    divided = {"before": logits, "after": logits / temperature}
    losses = {name: _losses(values, before.y_true) for name, values in divided.items()}
    honest = {
        name: Honesty(
            float(losses[name].mean()),
            scores.calibration_error(
                dataclasses.replace(before, y_prob=np.exp(log_softmax(values, axis=1)))
            ),
        )
        for name, values in divided.items()
    }
    differences = losses["after"] - losses["before"]
    middle, n = float(differences.mean()), len(differences)
    half = 1.96 * float(differences.std(ddof=1)) / n**0.5 if n > 1 else float("inf")
    return Change(honest["before"], honest["after"], middle, (middle - half, middle + half))


def _losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The negative log-likelihood of each image's label, float64 (n,)."""
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
