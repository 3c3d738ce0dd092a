"""A test in words: precision and recall of each class, and the confusion matrix if it fits."""

import numpy as np
import pytest

from sentiment.base import lettering
from sentiment.inference import figures


def arrays(classes: int) -> dict[str, np.ndarray]:
    """The first class is taken for the second one once, and the last one never occurs."""
    return {
        "y_true": np.array([0, 0, 0, 1]),
        "y_pred": np.array([0, 0, 1, 1]),
        "agreement": np.array([5, 4, 5, 5]),
        "class_names": np.array([f"class{number}" for number in range(classes)]),
    }


def test_every_class_has_its_line() -> None:
    lines = list(figures.in_words(arrays(3), np.arange(3), "here"))
    assert [line.split(":")[0] for line in lines[:3]] == [
        "here, at least 5 annotators agree", "here, at least 4 annotators agree", "here"
    ]  # fmt: skip
    beside = "not better than always saying class0: "
    assert [line.rpartition(", ")[2] for line in lines[:3]] == [
        f"n = 3; {beside}0.6667; balanced accuracy 0.7500",
        f"n = 4; {beside}0.7500; balanced accuracy 0.8333",
        f"n = 4; {beside}0.7500; balanced accuracy 0.8333",
    ]
    assert [line.split() for line in lines[3:]] == [
        ["class", "precision", "recall", "images", "as", "0", "as", "1", "as", "2"],
        ["0", "class0", "1.0000", "0.6667", "3", "2", "1", "0"],
        ["1", "class1", "0.5000", "1.0000", "1", "0", "1", "0"],
        ["2", "class2", "-", "-", "0", "0", "0", "0"],
    ]


@pytest.mark.parametrize(("classes", "fits"), [(20, True), (21, False)])
def test_a_matrix_too_wide_gives_way_to_the_pairs_confused_most(classes: int, fits: bool) -> None:
    lines = list(figures.in_words(arrays(classes), np.arange(classes), "here"))
    text = "\n".join(lines)
    assert ("as 0" in text) is fits
    assert ("too wide" in text) is not fits
    pair = ["0", "class0", "1", "of", "3", "as", "1", "class1"]
    assert (lines[-1].split() == pair) is not fits


def test_columns_are_aligned_under_names_of_any_letters_and_length() -> None:
    names = ["秋田犬", "photos taken in the evening rain by the river", "غضب", "dog"]
    of_names = arrays(4) | {"class_names": np.array(names)}
    lines = list(figures.in_words(of_names, np.arange(4), "here"))[-5:]
    assert {lettering.width(line) for line in lines} == {lettering.width(lines[0])}
    assert lettering.width(lines[0]) < 100
    assert "photos taken in the evening rain by the… " in lines[2]
