"""How good predictions are, beyond accuracy: classes alike, ranking, and honest probabilities."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

from sentiment.runs.accuracy import Reached
from sentiment.runs.predictions import Predictions

BINS = 15
"""Number of bins of confidence, which have the same width (Guo et al., 2017)."""

DEFINITIONS = (
    "Commonest: the share of the class of the most images, which always naming it would reach. "
    "Balanced, where classes have not as many images each: the mean of their recalls. "
    "Macro-F1: the mean of the classes' F1, 0 for a class never predicted. AUC: one class against "
    "the rest, the mean over classes; none where a class has no image or all. Brier score: the "
    "mean over images of the squared errors summed over classes, from 0 to 2. ECE, the expected "
    f"calibration error: over {BINS} bins of equal width of the confidence in the class said, the "
    "mean distance between confidence and accuracy, weighted by images."
)


@dataclass(frozen=True)
class Scores:
    """Scores of a model on a test split; see DEFINITIONS."""

    reached: Reached
    macro_f1: float
    auc: float | None
    """None where a class has no image or all."""
    brier: float
    ece: float


def scores(predictions: Predictions) -> Scores:
    """Compute all scores of predictions."""
    y_true, y_pred, y_prob = predictions.y_true, predictions.y_pred, predictions.y_prob
    labels = np.arange(y_prob.shape[1])
    return Scores(
        reached=Reached.of(y_true, y_pred, predictions.class_names),
        macro_f1=f1_score(y_true, y_pred, labels=labels, average="macro", zero_division=0),
        auc=_auc(y_true, y_prob),
        brier=brier_score_loss(y_true, y_prob, labels=labels, scale_by_half=False),
        ece=calibration_error(predictions),
    )


def _auc(y_true: np.ndarray, y_prob: np.ndarray) -> float | None:
    counts = np.bincount(y_true, minlength=y_prob.shape[1])
    if not ((counts > 0) & (counts < len(y_true))).all():
        return None
    return float(np.mean([roc_auc_score(y_true == c, y_prob[:, c]) for c in range(len(counts))]))


@dataclass(frozen=True)
class Bin:
    """Images for which a model was about equally confident."""

    images: int
    confidence: float
    """Mean probability of the predicted class."""
    accuracy: float


def calibration_error(predictions: Predictions) -> float:
    """The expected calibration error; see DEFINITIONS."""
    errors = [b.images * abs(b.confidence - b.accuracy) for b in reliability(predictions)]
    return sum(errors) / len(predictions)


def reliability(predictions: Predictions) -> list[Bin]:
    """The bins that hold images; a bin holds its upper edge."""
    confidence, right = predictions.confidence, predictions.right
    edges = np.linspace(0, 1, BINS + 1)
    number = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    return [
        Bin(int(rows.sum()), float(confidence[rows].mean()), float(right[rows].mean()))
        for rows in (number == b for b in np.unique(number))
    ]
