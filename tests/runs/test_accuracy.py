"""Figures from predictions, against their formulas."""

import numpy as np
import pytest

from sentiment.runs.accuracy import (
    Accuracy,
    Commonest,
    Reached,
    accuracy,
    balanced_accuracy,
    beside_commonest,
)


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


def test_an_accuracy_under_the_commonest_class_is_said_to_be_no_better() -> None:
    """By hand: 409 of 618 are positive, 405 right, 389 of them positive and 16 of 209 negative."""
    y_true = np.repeat([0, 1], [209, 409])
    y_pred = np.repeat([0, 1, 0], [16, 193 + 389, 20])
    reached = Reached.of(y_true, y_pred, ["negative", "positive"])
    assert (reached.accuracy.n, reached.accuracy.correct) == (618, 405)
    assert not reached.better
    assert reached.beside.startswith("not better than always saying positive: 0.6618; ")
    assert reached.balanced == pytest.approx((16 / 209 + 389 / 409) / 2)
    assert str(reached) == f"{reached.accuracy}; {reached.beside}"


@pytest.mark.parametrize(
    ("correct", "better"),
    [(300, False), (409, False), (432, False), (433, True), (600, True)],
)
def test_only_an_interval_above_the_share_is_better(correct: int, better: bool) -> None:
    reached = Reached(Accuracy(618, correct), Commonest.among({"negative": 209, "positive": 409}))
    assert reached.better is better
    assert reached.beside.startswith("always saying positive: 0.6618") is better


def test_of_equally_common_classes_the_first_is_named() -> None:
    even = Reached.of(np.array([1, 2, 0]), np.array([1, 2, 0]), ["negative", "neutral", "positive"])
    assert even.beside == "always saying negative: 0.3333"
    assert even.balanced is None
    without_first = Commonest.of(np.array([2, 1]), ["negative", "neutral", "positive"])
    assert without_first == Commonest("neutral", 0.5)


def test_balanced_accuracy_is_the_mean_recall_of_classes_that_occur() -> None:
    assert balanced_accuracy(np.array([0, 0, 0, 2]), np.array([0, 0, 1, 2])) == (2 / 3 + 1) / 2


def test_models_no_better_are_named_in_one_sentence() -> None:
    share = Commonest("cat", 0.5)
    models = {name: Reached(Accuracy(100, n), share) for name, n in (("a", 55), ("b", 90))}
    assert beside_commonest("Test", models) == [
        "Test: not better than always saying cat: 0.5000 (a)."
    ]
    assert beside_commonest("Test", {"b": models["b"]}) == ["Test: always saying cat: 0.5000."]
    assert beside_commonest("Test", {}) == []
