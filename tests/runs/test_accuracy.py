"""Figures from predictions, against their formulas."""

import numpy as np
import pytest

from sentiment.runs.accuracy import Accuracy, accuracy, confusion


@pytest.mark.parametrize(("correct", "n"), [(0, 1), (1, 1), (44, 45), (653, 882), (26_000, 51_000)])
def test_the_interval_is_wilsons(correct: int, n: int) -> None:
    z, share = 1.959963984540054, correct / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = Accuracy(n, correct).interval
    np.testing.assert_allclose([low, high], [middle - half, middle + half], atol=1e-9)


def test_accuracy_says_its_n_and_interval() -> None:
    reached = accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]))
    assert str(reached) == "accuracy 0.7500, 95 % interval 0.3006 to 0.9544, n = 4"


def test_confusion_has_true_classes_in_rows_and_a_class_never_predicted() -> None:
    counts = confusion(np.array([0, 1, 2, 2]), np.array([0, 0, 1, 1]), 3)
    assert counts.tolist() == [[1, 0, 0], [1, 0, 0], [0, 2, 0]]
