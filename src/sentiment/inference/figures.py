"""A test in words: its accuracy, then each class's precision, recall and confusion with others."""

from collections.abc import Iterator

import numpy as np

from sentiment.runs.accuracy import Reached, confusion

WIDEST_MATRIX = 20
"""Classes up to which the confusion matrix is printed: more do not fit on a screen."""


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
    names = [f"{column} {class_names[column]}" for column in columns]
    counts = confusion(y_true, y_pred, len(class_names))[np.ix_(columns, columns)]
    yield from _by_class(names, counts, columns)


def _by_class(names: list[str], counts: np.ndarray, columns: np.ndarray) -> Iterator[str]:
    """A table with a row a class.

    Args:
        counts: the confusion matrix, (classes, classes): rows are true classes.
        columns: the numbers that the classes are called by in the matrix' header.
    """
    shown = len(names) if len(names) <= WIDEST_MATRIX else 0
    if not shown:
        yield f"  {len(names)} classes: their confusion matrix is too wide here, the result has it"
    width = max(5, *map(len, names))
    header = "".join(f"{f'as {number}':>7}" for number in columns[:shown])
    yield f"  {'class':{width}} precision  recall  images{header}"
    for row, name in enumerate(names):
        right, true, predicted = counts[row, row], counts[row].sum(), counts[:, row].sum()
        precision = f"{right / predicted:.4f}" if predicted else "-"
        recall = f"{right / true:.4f}" if true else "-"
        cells = "".join(f"{count:7,}" for count in counts[row, :shown])
        yield f"  {name:{width}} {precision:>9} {recall:>7} {true:7,}{cells}"
