"""Makes a result of what another program, such as the paper's `predict.py`, said of photos."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sentiment.base import cli, sha256sums
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data import text_lines
from sentiment.data.dataset import B_T4SA, Dataset, checked_name
from sentiment.runs import others, predictions

log = logging.getLogger(__name__)

SPLIT = "test"

CLASSES = ("negative", "neutral", "positive")
"""Classes of the columns, as the paper's `predict.py` prints them."""

LARGEST_ERROR = 1e-3
"""Most by which a photo's probabilities may add up to more or less than 1: they are rounded."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/import_predictions.py`."""

    list: Path
    """The list of photos that was predicted: a path a line, which a label may follow."""
    predictions: Path
    """What was said of them: NEG,NEU,POS a line, in the list's order."""
    name: str
    """What the result is called in the report; its folder under saved_models/."""
    dataset: str = B_T4SA
    """Prepared data whose test photos are taken out of the list."""
    folders: Folders = field(default_factory=Folders)


@cli.command()
def main() -> None:
    """Run `scripts/import_predictions.py`."""
    import_predictions(cli.parse(Options))


def import_predictions(options: Options) -> None:
    """Write a result with what was said of each photo of a test split, in the split's order.

    Photos of the list that are not in the split, such as those that could not be decoded when the
    data were prepared, are left out.

    Raises:
        UserError: a file is missing or of another form, the list has not as many lines as the
            predictions, a photo of the split is not in it, or the data have other classes.
    """
    dataset = Dataset(options.folders.data_dir, options.dataset)
    columns = _columns(dataset)
    listed = _listed(options.list)
    y_prob = _probabilities(options.predictions)
    if len(listed) != len(y_prob):
        raise UserError(
            f"{options.predictions}: {len(y_prob):,} lines for the {len(listed):,} photos in "
            f"{options.list}; expected a line a photo, in the list's order"
        )
    split = dataset.split(SPLIT)
    rows = _rows(listed, split.paths.tolist(), options.list, dataset)
    file = others.result(options.folders, checked_name(options.name), dataset.name)
    made_from = {
        "list": sha256sums.of(options.list),
        "predictions": sha256sums.of(options.predictions),
        "data": dataset.fingerprint,
        "split": SPLIT,
    }
    predictions.write(file, split, y_prob[rows], columns, CLASSES, made_from, imported=True)
    left = len(listed) - len(rows)
    log.info("%s photos of the %s split of %s", f"{len(rows):,}", SPLIT, dataset.name)
    log.info("  %s photos of %s are not among them and are left out", f"{left:,}", options.list)
    log.info("Saved %s", file)


def _columns(dataset: Dataset) -> np.ndarray:
    """The column of each class of the data, int64 (classes of the data,)."""
    unknown = sorted(set(dataset.class_names) - set(CLASSES))
    if unknown:
        raise UserError(
            f"{dataset.folder}: has the class {unknown[0]}; predictions are of {', '.join(CLASSES)}"
        )
    return np.array([CLASSES.index(name) for name in dataset.class_names])


def _lines(file: Path, what: str) -> list[tuple[str, str]]:
    """The lines of a text file that are not empty, and where each stands, for messages."""
    if not file.is_file():
        raise UserError(f"{file}: no such file; expected {what}")
    with text_lines.opened(file) as text:
        numbered = [(f"{file}:{number}", line.strip()) for number, line in enumerate(text, 1)]
    return [(where, line) for where, line in numbered if line]


def _listed(file: Path) -> dict[str, int]:
    """The paths in a list, and which photo each is."""
    listed: dict[str, int] = {}
    for where, line in _lines(file, "a list of photos, a path a line"):
        path, _, label = line.rpartition(" ")
        path = path.strip() if path and label.isdecimal() else line
        if path in listed:
            raise UserError(f"{where}: {path} is listed twice; expected each photo once")
        listed[path] = len(listed)
    return listed


def _probabilities(file: Path) -> np.ndarray:
    """The probabilities in a file, float32 (photos, classes)."""
    rows = []
    for where, line in _lines(file, "a line NEG,NEU,POS a photo"):
        try:
            row = [float(value) for value in line.split(",")]
        except ValueError:
            row = []
        fine = len(row) == len(CLASSES) and all(0 <= value <= 1 for value in row)
        if not fine or abs(sum(row) - 1) > LARGEST_ERROR:
            raise UserError(
                f"{where}: expected {len(CLASSES)} probabilities that add up to 1, NEG,NEU,POS; "
                f"received {line[:80]!r}"
            )
        rows.append(row)
    return np.array(rows, np.float32).reshape(-1, len(CLASSES))


def _rows(listed: dict[str, int], wanted: list[str], file: Path, dataset: Dataset) -> list[int]:
    """Which photo of the list each path of the data is; the list may have more folders before it.

    Raises:
        UserError: one is not in the list, or it could be several.
    """
    by_end: dict[str, set[int]] = {}
    for path, number in listed.items():
        parts = path.split("/")
        for start in range(len(parts)):
            by_end.setdefault("/".join(parts[start:]), set()).add(number)
    rows: list[int] = []
    for path in wanted:
        found = {listed[path]} if path in listed else by_end.get(path, set())
        if len(found) != 1:
            many = "stands there several times" if found else "is not in it"
            raise UserError(
                f"{file}: {path} of {dataset.folder} {many}; expected the list of its {SPLIT} split"
            )
        rows.extend(found)
    return rows
