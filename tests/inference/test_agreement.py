"""Whether an export agrees with Keras: what is compared, and what is refused."""

import numpy as np
import pytest

from sentiment.inference.agreement import Agreement, compare
from sentiment.runs.accuracy import Accuracy, Commonest, Reached


@pytest.mark.parametrize(
    ("quantised", "difference", "right", "refused"),
    [
        (False, 1e-5, 44, False),
        (False, 2e-4, 44, True),
        (False, float("nan"), 44, True),
        (True, 0.3, 43, False),
        (True, 0.3, 42, True),
        (True, float("nan"), 15, True),
    ],
)
def test_what_is_refused(quantised: bool, difference: float, right: int, refused: bool) -> None:
    keras, exported = (Reached(Accuracy(45, n), Commonest("cat", 0.5)) for n in (44, right))
    agreement = Agreement(difference, 45, keras, exported)
    assert (agreement.fault(quantised) is not None) == refused


def test_answers_are_compared_photo_by_photo() -> None:
    expected = np.array([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9]], np.float32)
    exported = np.array([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9]], np.float32)
    agreement = compare(np.array([0, 1, 1]), expected, exported, ["cat", "dog"])
    assert agreement.largest_difference == pytest.approx(0.2)
    right = [reached.accuracy.correct for reached in (agreement.keras, agreement.exported)]
    assert (agreement.equal_top1, right) == (2, [2, 3])
    same, keras, export = agreement.in_words()
    assert "the same top-1 class for 2 of 3 photos" in same
    beside = "n = 3; not better than always saying dog: 0.6667; balanced accuracy"
    assert keras.endswith(f"{beside} 0.7500") and export.endswith(f"{beside} 1.0000")
