"""Scores of predictions, against scikit-learn's, pandas' and the formulas."""

import numpy as np
import pandas as pd
import pytest
from helpers.report_files import predicted
from sklearn.metrics import f1_score, roc_auc_score

from sentiment.runs import scores
from sentiment.runs.predictions import Predictions


def random_predictions(n: int, classes: int, seed: int) -> Predictions:
    """Predictions of a model that is right more often than chance, with all confidences."""
    random = np.random.default_rng(seed)
    y_true = np.arange(n) % classes
    y_prob = random.dirichlet(np.ones(classes), n)
    y_prob[np.arange(n), y_true] += 0.1 * seed
    return predicted(y_true, y_prob / y_prob.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_every_score_can_be_computed_again(classes: int, seed: int) -> None:
    predictions = random_predictions(120, classes, seed)
    y_true, y_pred, y_prob = predictions.y_true, predictions.y_pred, predictions.y_prob
    right, edges = y_true == y_pred, np.linspace(0, 1, 16)
    bins = pd.cut(y_prob.max(axis=1), edges)
    accuracies = pd.Series(right).groupby(bins, observed=True)
    confidences = pd.Series(y_prob.max(axis=1)).groupby(bins, observed=True)
    distances = (accuracies.mean() - confidences.mean()).abs()
    for_auc = y_prob[:, 1] if classes == 2 else y_prob
    computed = scores.scores(predictions)
    assert computed.reached.accuracy.value == right.mean()
    np.testing.assert_allclose(
        [computed.macro_f1, computed.auc, computed.brier, computed.ece],
        [
            f1_score(y_true, y_pred, average="macro"),
            roc_auc_score(y_true, for_auc, multi_class="ovr"),
            np.mean(((np.eye(classes)[y_true] - y_prob) ** 2).sum(axis=1)),
            (distances * accuracies.size()).sum() / len(y_true),
        ],
    )


@pytest.mark.parametrize(("right", "brier", "ece"), [(10, 0.0, 0.0), (1, 1.8, 0.9)])
def test_a_model_that_is_sure_of_all_it_says(right: int, brier: float, ece: float) -> None:
    y_pred = np.where(np.arange(10) < right, 0, 1)
    reached = scores.scores(predicted(np.zeros(10, int), np.eye(2)[y_pred]))
    assert reached.brier == pytest.approx(brier)
    assert reached.ece == pytest.approx(ece)


def test_there_is_no_auc_where_a_class_has_no_image() -> None:
    y_true = np.array([0, 0, 1])
    assert scores.scores(predicted(y_true, np.eye(3)[y_true])).auc is None


def test_a_class_never_predicted_counts_in_macro_f1() -> None:
    y_true, y_pred = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 1, 1])
    reached = scores.scores(predicted(y_true, np.eye(3)[y_pred]))
    assert reached.macro_f1 == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_a_bin_holds_its_upper_edge() -> None:
    confidence = np.array([8 / 15, 8 / 15 + 1e-9, 1.0])
    y_prob = np.column_stack([confidence, 1 - confidence])
    bins = scores.reliability(predicted(np.zeros(3, int), y_prob))
    assert [b.images for b in bins] == [1, 1, 1]
