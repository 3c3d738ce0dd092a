"""The picture of the confusion matrices: whole, or of the classes with the most mistakes."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sentiment.base import lettering
from sentiment.runs.confusion import confusion, most_mistaken
from sentiment.runs.picture import Picture
from sentiment.runs.predictions import Predictions

MOST_CLASSES = 10
"""Classes up to which a matrix is whole; of more, so many are shown."""

FEW_CLASSES = 4
"""Classes up to which there is room for shares and numbers, and for names side by side."""

WIDEST_NAME = 18
"""Columns up to which a class is called by its whole name."""

PAGE, LETTER, CELL, WIDE_CELL = 11.0, 0.072, 0.28, 0.66
"""Inches that a page, a letter of a name and a cell are wide."""


@dataclass(frozen=True)
class Matrix:
    """What is shown of a model's confusion matrix."""

    title: str
    names: list[str]
    """Names of the k classes shown."""
    others: int
    """How many classes are not shown, which share the last column."""
    counts: np.ndarray
    """int64 (k, k), or (k, k + 1) if there are others; row the true class, column the said one."""
    shares: np.ndarray
    """float64, the counts divided by the images of the true class."""

    @classmethod
    def of(cls, title: str, predictions: Predictions) -> "Matrix":
        """Count; of many classes, those with the most mistakes are shown."""
        names = predictions.class_names
        whole = confusion(predictions.y_true, predictions.y_pred, len(names))
        shown = most_mistaken(whole, MOST_CLASSES)
        counts, others = whole[np.ix_(shown, shown)], len(names) - len(shown)
        if others:
            rest = whole[shown].sum(axis=1) - counts.sum(axis=1)
            counts = np.column_stack([counts, rest])
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        return cls(title, [names[label] for label in shown], others, counts, shares)

    @property
    def columns(self) -> list[str]:
        """What is written under the columns."""
        return self._short() + ([f"{self.others} others"] if self.others else [])

    @property
    def rows(self) -> list[str]:
        """What is written beside the rows."""
        return self._short()

    @property
    def few(self) -> bool:
        return len(self.names) <= FEW_CLASSES

    @property
    def size(self) -> tuple[float, float]:
        """Inches that the matrix takes with the names beside it, width and height."""
        cell = WIDE_CELL if self.few else CELL
        names = LETTER * max(map(lettering.width, self.columns))
        rows, columns = self.counts.shape
        return 0.5 + names + cell * columns, 0.8 + names + cell * rows

    def in_words(self) -> str:
        """Such as `VGG19 FT-F: right of cat 75%, dog 50%`."""
        right = (
            f"{lettering.isolated(n)} {self.shares[i, i]:.0%}" for i, n in enumerate(self.names)
        )
        return f"{self.title}: right of {', '.join(right)}"

    def _short(self) -> list[str]:
        return [lettering.shortened(name, WIDEST_NAME) for name in self.names]


def draw(tested: list[tuple[str, Predictions]]) -> Picture:
    """Draw each model's matrix.

    Args:
        tested: the models' names, with their predictions for the test split.
    """
    matrices = [Matrix.of(name, predictions) for name, predictions in tested]
    width, height = (max(sizes) for sizes in zip(*(m.size for m in matrices), strict=True))
    across = max(1, min(len(matrices), int(PAGE / width)))
    down = -(-len(matrices) // across)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    for panel, matrix in zip(panels, matrices, strict=False):
        _draw(panel, matrix)
    return Picture(
        "confusion",
        _caption(matrices),
        f"{'; '.join(matrix.in_words() for matrix in matrices)}.",
        figure,
    )


def _caption(matrices: list[Matrix]) -> str:
    few = all(matrix.few for matrix in matrices)
    cells = "share and number" if few else "share, in per cent,"
    whole = f"of each true class (row), the {cells} of images said to be each class"
    others = max(matrix.others for matrix in matrices)
    if not others:
        return f"Confusion matrices of the test split: {whole}."
    return (
        f"Confusion matrices of the test split, of the {MOST_CLASSES} classes that are in the most "
        f"of a model's mistakes: {whole}; the {others} others share the last column."
    )


def _draw(panel: Axes, matrix: Matrix) -> None:
    panel.set_axis_on()
    panel.imshow(matrix.shares, cmap="Blues", vmin=0, vmax=1)
    panel.spines[:].set_visible(False)
    for row, column in np.ndindex(matrix.counts.shape):
        share, count = matrix.shares[row, column], matrix.counts[row, column]
        colour = "#ffffff" if share > 0.55 else "#000000"
        text = f"{share:.0%}\n{count:,}" if matrix.few else f"{100 * share:.0f}"
        if matrix.few or count:
            panel.text(column, row, text, ha="center", va="center", color=colour, fontsize=8.5)
    turned = {"rotation": 30, "ha": "right"} if matrix.few else {"rotation": 90}
    panel.set_xticks(range(len(matrix.columns)), matrix.columns, **turned)
    panel.set_yticks(range(len(matrix.rows)), matrix.rows)
    panel.tick_params(length=0, labelsize=8.5)
    panel.set(title=matrix.title, ylabel="true", xlabel="said")
