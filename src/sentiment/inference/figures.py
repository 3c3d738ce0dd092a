"""A test in words: its accuracy, then each class's precision, recall and confusion with others."""

from collections.abc import Iterator, Sequence

import numpy as np

from sentiment.base import lettering
from sentiment.runs.accuracy import Reached
from sentiment.runs.confusion import confusion, most_confused

WIDEST_MATRIX = 20
"""Classes up to which the confusion matrix is printed: more do not fit on a screen."""

WIDEST_NAME = 40
"""Columns up to which a class is called by its whole name."""

PAIRS_SHOWN = 10
"""How many pairs of classes are shown that were confused most, in place of a matrix."""


def in_words(arrays: dict[str, np.ndarray], columns: np.ndarray, what: str) -> Iterator[str]:
    """The lines that say how well a test went.

    Args:
        arrays: a result file's arrays, by name.
        columns: for each class of the data tested, its column in the model's probabilities.
        what: was tested; every accuracy begins with it.
    """
    y_true, y_pred, agreement = (arrays[name] for name in ("y_true", "y_pred", "agreement"))
    class_names = arrays["class_names"].tolist()
    for level in sorted(set(agreement.tolist()) - {0}, reverse=True):
        rows = agreement >= level
        agreed = Reached.of(y_true[rows], y_pred[rows], class_names)
        yield f"{what}, at least {level} annotators agree: {agreed}"
    yield f"{what}: {Reached.of(y_true, y_pred, class_names)}"
    digits = len(str(max(columns)))
    shown = (lettering.shortened(class_names[column], WIDEST_NAME) for column in columns)
    names = [f"{c:{digits}} {lettering.isolated(n)}" for c, n in zip(columns, shown, strict=True)]
    counts = confusion(y_true, y_pred, len(class_names))[np.ix_(columns, columns)]
    yield from _by_class(names, counts, columns)
    if len(names) > WIDEST_MATRIX:
        yield from _most_confused(names, counts)


def _by_class(names: Sequence[str], counts: np.ndarray, columns: np.ndarray) -> Iterator[str]:
    """A table with a row a class.

    Args:
        counts: the confusion matrix, (classes, classes): rows are true classes.
        columns: the numbers that the classes are called by in the matrix' header.
    """
    shown = len(names) if len(names) <= WIDEST_MATRIX else 0
    width = max(5, *map(lettering.width, names))
    header = "".join(f"{f'as {number}':>7}" for number in columns[:shown])
    yield f"  {'class':{width}} precision  recall  images{header}"
    for row, name in enumerate(names):
        right, true, predicted = counts[row, row], counts[row].sum(), counts[:, row].sum()
        precision = f"{right / predicted:.4f}" if predicted else "-"
        recall = f"{right / true:.4f}" if true else "-"
        cells = "".join(f"{count:7,}" for count in counts[row, :shown])
        yield f"  {lettering.left(name, width)} {precision:>9} {recall:>7} {true:7,}{cells}"


def _most_confused(names: Sequence[str], counts: np.ndarray) -> Iterator[str]:
    """The pairs of classes with the most mistakes, where the whole matrix is too wide."""
    pairs = most_confused(counts, PAIRS_SHOWN)
    yield (
        f"  {len(names)} classes: their confusion matrix is too wide here, the report has it; the "
        f"{len(pairs)} pairs with the most mistakes:"
    )
    width = max(lettering.width(names[pair.true]) for pair in pairs) if pairs else 0
    for pair in pairs:
        true = lettering.left(names[pair.true], width)
        yield f"  {true}  {pair.images:5,} of {pair.of:5,} as  {names[pair.said]}"
