"""A result, the file that a prediction script leaves: written, and read without trust."""

import dataclasses
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentiment.base import files, lettering
from sentiment.base.errors import UserError, first_line

if TYPE_CHECKING:
    from sentiment.data.split import Split

DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
"""Errors that NumPy raises for files that are cut, changed, or hold pickled objects."""

LEAKING = "leaking"
"""Name of the array that marks the result of a model that has learned from the test images."""

IMPORTED = "imported"
"""Name of the array that marks the result of a model that was not trained here."""

FLIP_TEST = "flip_test"
"""Name of the array that marks the mean of the predictions of photos and of their mirror images."""


@dataclass(frozen=True)
class Predictions:
    """The classes that a model predicted for a test split, an image a row."""

    y_true: np.ndarray
    """int64 (n,): column of the true class."""
    y_pred: np.ndarray
    """int64 (n,): column of the predicted class."""
    y_prob: np.ndarray
    """float64 (n, k): probabilities of the k classes asked for, summing to 1 in every row."""
    paths: np.ndarray
    """str (n,): the images, in the words of the source's list."""
    agreement: np.ndarray
    """int (n,): how many annotators agreed, 0 where nobody was asked."""
    class_names: tuple[str, ...]
    """Names of the k classes, by column."""
    leaking: bool = False
    """Whether the model has learned from the test images: its accuracy then proves nothing."""
    imported: bool = False
    """Whether the model was not trained here."""
    flip_test: bool = False
    """Whether the probabilities are the mean of those of photos and of their mirror images."""

    def __len__(self) -> int:
        return len(self.y_true)

    @property
    def right(self) -> np.ndarray:
        """bool (n,): whether the predicted class is the true one."""
        return self.y_true == self.y_pred

    @property
    def confidence(self) -> np.ndarray:
        """float64 (n,): the probability of the predicted class."""
        return self.y_prob[np.arange(len(self)), self.y_pred]

    def in_words(self, row: int) -> str:
        """The prediction for an image, such as `said neutral, 0.52`."""
        said = lettering.isolated(self.class_names[self.y_pred[row]])
        return f"said {said}, {self.confidence[row]:.2f}"

    def agreed(self, level: int) -> "Predictions":
        """The images on which at least so many annotators agreed."""
        rows = self.agreement >= level
        arrays = ("y_true", "y_pred", "y_prob", "paths", "agreement")
        return dataclasses.replace(self, **{name: getattr(self, name)[rows] for name in arrays})


def write(
    path: Path,
    split: "Split",
    y_prob: np.ndarray,
    columns: np.ndarray,
    class_names: Sequence[str],
    made_from: dict[str, str],
    leaking: bool = False,
    imported: bool = False,
    flip_test: bool = False,
) -> dict[str, np.ndarray]:
    """Write a result, whole or not at all.

    Args:
        split: what was tested.
        y_prob: float32 (n, classes of the model).
        columns: int64 (classes of the data,): the column in `y_prob` of each class of the data.
        class_names: the model's classes, by column of `y_prob`.
        made_from: identifies the model and the data.
        leaking: the model has learned from the test images.
        imported: the model was not trained here.
        flip_test: `y_prob` is the mean of the probabilities of photos and of their mirror images.

    Returns:
        The arrays written.
    """
    arrays = {
        "y_true": columns[split.labels],
        "y_pred": columns[y_prob[:, columns].argmax(axis=1)],
        "y_prob": y_prob,
        "paths": split.paths,
        "agreement": split.agreement,
        "class_names": np.array(class_names),
        "made_from": np.array(json.dumps(made_from)),
    }
    for mark, marked in {LEAKING: leaking, IMPORTED: imported, FLIP_TEST: flip_test}.items():
        if marked:
            arrays[mark] = np.array(True)
    with files.whole_file(path) as temporary:
        np.savez(temporary, **arrays)
    return arrays


def made_from(path: Path) -> dict[str, str]:
    """What identifies the model and the data of a result; empty in one from before it was noted.

    Raises:
        UserError: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return json.loads(str(stored["made_from"])) if "made_from" in stored.files else {}
    except DAMAGED as error:
        raise UserError(f"{path}: damaged ({first_line(error)})") from None


def read(path: Path, all_classes: bool) -> Predictions:
    """Read a result.

    Args:
        all_classes: the data tested have all classes of the model. Otherwise the classes
            asked for are those that occur; the columns of the others are left out and the
            rest scaled to sum to 1.

    Raises:
        UserError: the file is damaged, or does not hold what predicting writes.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return _checked(arrays, all_classes)
    except DAMAGED as error:
        reason = f"no {error}" if isinstance(error, KeyError) else first_line(error)
        raise UserError(f"{path}: damaged ({reason})") from None


def _checked(arrays: dict[str, np.ndarray], all_classes: bool) -> Predictions:
    def check(fine: bool, wrong: str) -> None:
        if not fine:
            raise ValueError(wrong)

    names, y_prob = arrays["class_names"], arrays["y_prob"]
    y_true, y_pred, agreement = (arrays[name] for name in ("y_true", "y_pred", "agreement"))
    n = len(arrays["paths"])
    check(n > 0, "no image")
    check(names.dtype.kind == "U" and names.ndim == 1 and len(names) > 1, "class_names are no list")
    check(arrays["paths"].dtype.kind == "U", "paths are no text")
    for name, column in {"y_true": y_true, "y_pred": y_pred, "agreement": agreement}.items():
        check(column.shape == (n,) and column.dtype.kind in "iu", f"{name} of wrong form")
    check(y_prob.shape == (n, len(names)) and y_prob.dtype.kind == "f", "y_prob of wrong form")
    for name in ("y_true", "y_pred"):
        check(bool(np.isin(arrays[name], np.arange(len(names))).all()), f"{name}: no such class")
    check(bool(np.isfinite(y_prob).all()), "probabilities that are no numbers")
    sums = y_prob.sum(axis=1, dtype=np.float64)
    check(bool((y_prob >= 0).all() and np.allclose(sums, 1, atol=1e-2)), "y_prob does not sum to 1")
    asked = np.arange(len(names)) if all_classes else np.union1d(y_true, y_pred)
    kept = y_prob[:, asked]
    check(np.array_equal(asked[kept.argmax(axis=1)], y_pred), "y_pred is not the likeliest class")
    kept = kept.astype(np.float64)
    sums = kept.sum(axis=1, keepdims=True)
    # Where the classes left out took all, the others are as likely as each other.
    kept = np.divide(kept, sums, out=np.full_like(kept, 1 / len(asked)), where=sums > 0)
    return Predictions(
        np.searchsorted(asked, y_true),
        np.searchsorted(asked, y_pred),
        kept,
        arrays["paths"],
        agreement.astype(np.int64),
        tuple(names[asked].tolist()),
        bool(arrays.get(LEAKING, False)),
        bool(arrays.get(IMPORTED, False)),
        bool(arrays.get(FLIP_TEST, False)),
    )
