"""The confusion matrix, and what stands out in it."""

import numpy as np

from sentiment.runs.confusion import Confused, confusion, most_confused, most_mistaken

COUNTS = np.array([[9, 0, 1, 0], [3, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 5]])


def test_confusion_has_true_classes_in_rows_and_a_class_never_predicted() -> None:
    counts = confusion(np.array([0, 1, 2, 2]), np.array([0, 0, 1, 1]), 3)
    assert counts.tolist() == [[1, 0, 0], [1, 0, 0], [0, 2, 0]]


def test_pairs_are_sorted_by_mistakes_then_by_share() -> None:
    pairs = [Confused(1, 0, 3, 4), Confused(2, 1, 1, 1), Confused(0, 2, 1, 10)]
    assert most_confused(COUNTS, 10) == pairs
    assert most_confused(COUNTS, 1) == pairs[:1]
    assert most_confused(np.diag([1, 0, 2]), 10) == []


def test_a_class_is_in_mistakes_as_the_true_one_and_as_the_one_said() -> None:
    """In 4, 4, 2 and 0 mistakes."""
    assert most_mistaken(COUNTS, 2).tolist() == [0, 1]
    assert most_mistaken(COUNTS[::-1, ::-1], 2).tolist() == [2, 3]
    assert most_mistaken(COUNTS, 9).tolist() == [0, 1, 2, 3]
