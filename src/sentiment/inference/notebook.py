"""What a notebook or a script of one's own calls: data, models, predictions, results.

`src/README.md` has a page of examples. All errors that a person can mend are `UserError`s.
"""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sentiment.base import project
from sentiment.base.errors import BadImage, UserError
from sentiment.base.progress import progress
from sentiment.data import image_size
from sentiment.data.arrays import Array
from sentiment.data.collections.collection import Photo
from sentiment.data.dataset import Dataset
from sentiment.data.decoding import decoded, decoders
from sentiment.model import model_file
from sentiment.runs import history_file, predictions, scores, significance
from sentiment.runs.run_files import ResultName
from sentiment.runs.significance import Comparison

BATCH = 64
"""Photos that are decoded, and predicted, at a time."""


class Model:
    """A trained model, or an exported one, loaded once.

    Args:
        path: a `.keras` file, which Keras loads on the backend that it has been started with, or a
            `.tflite` file, which needs neither.

    Raises:
        UserError: there is no such file, or it is damaged, or no model of this project.
    """

    def __init__(self, path: Path):
        if path.suffix not in (".keras", ".tflite") or not path.is_file():
            raise UserError(f"{path}: no model, a .keras or .tflite file")
        if path.suffix == ".tflite":
            from joblib import cpu_count

            from sentiment.inference.litert import LitertModel

            model_file.check(path)
            self._predict = LitertModel(path, cpu_count()).predict
        else:
            self._predict = model_file.load(path).predict_on_batch
        self.card = model_file.read_card(path)
        """The run's manifest: recipe, data, versions, what training reached."""
        self.class_names: tuple[str, ...] = tuple(self.card["class_names"])
        """The classes, in the order of the probabilities."""
        self.side = image_size.of_card(self.card)
        """Width and height of the photos that it takes."""

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Predict photos.

        Args:
            images: uint8 RGB (n, side, side, 3), or one photo (side, side, 3).

        Returns:
            float32 (n, classes).

        Raises:
            UserError: the array has another shape or dtype.
        """
        images = np.asarray(images)
        images = images[np.newaxis] if images.ndim == 3 else images
        if images.shape[1:] != (self.side, self.side, 3) or images.dtype != np.uint8:
            raise UserError(
                f"images of shape {images.shape} and {images.dtype}: expected (n, {self.side}, "
                f"{self.side}, 3) and uint8; give the paths of photos, which are then decoded"
            )
        return np.asarray(self._predict(images))


def open_data(name: str, data_dir: Path | str = project.DATA_DIR) -> Dataset:
    """Open prepared data.

    Args:
        name: such as "t4sa".
        data_dir: where prepared data lie.

    Returns:
        The data set. Its `split("train")` has `images` (uint8 (n, side, side, 3), read from the
        disk when rows are taken), `labels` (int32 (n,), indices into `class_names`) and `paths`.

    Raises:
        UserError: no data of this name have been prepared, or they are damaged.
    """
    return Dataset(Path(data_dir), name)


def load_model(path: Path | str) -> Model:
    """Load a trained model, a `.keras` file, or an exported one, a `.tflite` file.

    Raises:
        UserError: there is no such file, or it is damaged, or no model of this project.
    """
    return Model(Path(path))


def predict(model: Model, photos: np.ndarray | Array | Sequence[Path | str]) -> pd.DataFrame:
    """Predict photos, given as an array or by their paths, any number of them.

    Args:
        photos: uint8 RGB (n, side, side, 3), such as a split's `images`, or paths of files, which
            are decoded as training photos are.

    Returns:
        A row a photo, in their order: `label` and a probability a class. Of files the index is the
        path, and `problem` says why one could not be read; it has no label then.

    Raises:
        UserError: the array has another shape or dtype.
        OSError: the disk or a folder cannot be read.
    """
    if isinstance(photos, np.ndarray | Array):
        return _table(model, list(_of_array(model, photos)))
    paths = list(map(str, photos))
    problems: list[str | None] = []
    table = _table(model, list(_of_files(model, paths, problems)))
    table.index = pd.Index(paths, name="path")
    return table.assign(problem=problems)


def _of_array(model: Model, images: np.ndarray | Array) -> Iterator[np.ndarray]:
    """Blocks of probabilities, float32 (b, classes)."""
    with progress("predicting", images.shape[0]) as advance:
        for start in range(0, images.shape[0], BATCH):
            block = model.probabilities(images[start : start + BATCH])
            yield block
            advance(len(block))


def _of_files(model: Model, paths: list[str], problems: list[str | None]) -> Iterator[np.ndarray]:
    """Blocks of probabilities, float32 (b, classes), NaN for what could not be read.

    Args:
        problems: what is wrong with each photo, or None, is added to it.
    """
    with (
        progress("predicting", len(paths), "photos") as advance,
        decoders(-1, None, len(paths)) as pool,
    ):
        for start in range(0, len(paths), BATCH):
            photos = [Photo(path, 0) for path in paths[start : start + BATCH]]
            found = list(decoded(pool, Path(), photos, model.side))
            problems += [str(one) if isinstance(one, BadImage) else None for one in found]
            good = [one for one in found if not isinstance(one, BadImage)]
            block = np.full((len(found), len(model.class_names)), np.nan, np.float32)
            if good:
                rows = [row for row, one in enumerate(found) if not isinstance(one, BadImage)]
                block[rows] = model.probabilities(np.stack(good))
            yield block
            advance(len(found))


def _table(model: Model, blocks: list[np.ndarray]) -> pd.DataFrame:
    """Blocks of probabilities, float32 (b, classes), as a table with labels."""
    names = list(model.class_names)
    table = pd.DataFrame(np.concatenate(blocks or [np.zeros((0, len(names)))]), columns=names)
    known = table.notna().all(axis=1)
    table.insert(0, "label", table[known].idxmax(axis=1).reindex(table.index))
    return table


def histories(logs_dir: Path | str = project.LOGS_DIR) -> pd.DataFrame:
    """Read the histories of all runs, those of sweeps and ablations too.

    A file that is damaged is left out, with a warning.

    Returns:
        A row an epoch: `folder` (of the run in `logs_dir`, such as t4sa), `run`, and the columns
        that `logs/README.md` explains.
    """
    tables = []
    for file in sorted(Path(logs_dir).glob("**/*_history.csv")):
        with _warned():
            history = history_file.epochs(file)
            run = file.name.removesuffix("_history.csv")
            history.insert(0, "run", run)
            history.insert(0, "folder", str(file.parent.relative_to(logs_dir)))
            tables.append(history)
    columns = ["folder", "run", *history_file.COLUMNS]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def results(models_dir: Path | str = project.MODELS_DIR) -> pd.DataFrame:
    """Read the results of all runs, those of sweeps and ablations too, and compute their scores.

    A file that is damaged is left out, with a warning.

    Returns:
        A row a result: `folder` (of the run in `models_dir`, such as t4sa), `run`, `tested_on`,
        `n`, `accuracy` and its 95 % interval by Wilson, `low` and `high`; `commonest`, the share
        that always naming the commonest class would reach; `balanced` accuracy, where the classes
        are uneven; `macro_f1`, `auc`, `brier` and `ece` as `runs/scores.py` defines them;
        `leaking`, whether the model has learned from the test images; `flip_test`, whether it is
        with the mirror image; `file`.
    """
    rows = []
    for file in sorted(Path(models_dir).glob("**/*_result.npz")):
        with _warned():
            rows.append(_result(file, Path(models_dir)))
    columns = ["folder", "run", "tested_on", "n", "accuracy", "low", "high", "commonest",
               "balanced", "macro_f1", "auc", "brier", "ece", "leaking", "flip_test",
               "file"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _result(file: Path, models_dir: Path) -> dict[str, object]:
    """A row of the results."""
    named = ResultName.of(file)
    predicted = predictions.read(file, all_classes=named.tested_on is None)
    found = scores.scores(predicted)
    reached = found.reached
    low, high = reached.accuracy.interval
    return {
        "folder": str(file.parent.relative_to(models_dir)),
        "run": named.run,
        "tested_on": named.tested_on or file.parent.name,
        "n": reached.accuracy.n,
        "accuracy": reached.accuracy.value,
        "low": low,
        "high": high,
        "commonest": reached.commonest.share,
        "balanced": reached.balanced,
        "macro_f1": found.macro_f1,
        "auc": found.auc,
        "brier": found.brier,
        "ece": found.ece,
        "leaking": predicted.leaking,
        "flip_test": predicted.flip_test,
        "file": str(file),
    }


def compare(first: Path | str, second: Path | str) -> Comparison:
    """Compare two results of the same images, by McNemar's exact test.

    Args:
        first: a file that a prediction script has written, ending in _result.npz.
        second: another one.

    Returns:
        Among others `difference` (accuracy of the first less that of the second), its 95 %
        `interval`, and `p`.

    Raises:
        UserError: a file is damaged, or they are of different images.
    """
    paths = [Path(first), Path(second)]
    read = {str(path): predictions.read(path, all_classes=False) for path in paths}
    if len(read) < 2:
        raise UserError(f"{first}: compared with itself; give two results")
    (comparison,) = significance.pairwise(read)
    return comparison


@contextlib.contextmanager
def _warned() -> Iterator[None]:
    """Go on after a UserError that ends the block, with a warning."""
    try:
        yield
    except UserError as error:
        warnings.warn(str(error), stacklevel=3)
