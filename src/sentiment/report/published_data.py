"""Tells whether data are those of the publications, whose figures may then stand beside ours."""

from dataclasses import dataclass
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.data.dataset import Dataset
from sentiment.report import published
from sentiment.runs.predictions import Predictions


@dataclass(frozen=True)
class Data:
    """A data set as a report names it."""

    name: str
    published: bool
    """Whether it has the form of the publications' data: their figures then stand beside ours."""
    difference: str = ""
    """How its sizes differ from the publications', a sentence; empty if they do not."""


def trained_on(data_dir: Path, name: str, test: Predictions | None) -> Data:
    """The data that the models were trained on: B-T4SA, part of it, a stand-in, or other data."""
    dataset = _prepared(data_dir, name)
    kind = dataset.manifest["kind"] if dataset else name
    if kind != "t4sa" or not _of(published.CLASSES, dataset, test):
        return Data(name, published=False)
    # Where the data are on another machine, the number of predictions tells.
    predicted = {"test": len(test)} if test is not None else {}
    sizes = _sizes(dataset) if dataset else predicted
    return Data(name, True, _difference(name, "B-T4SA", sizes, published.T4SA_IMAGES))


def ttd(data_dir: Path, name: str, predicted: Predictions | None) -> Data:
    """TTD, a part of it or a stand-in, told by the sizes of its levels of agreement."""
    dataset = _prepared(data_dir, name)
    if not _of(published.TTD_CLASSES, dataset, predicted):
        return Data(name, published=False)
    if predicted is None:
        return Data(name, published=True)
    if dataset and _skipped(dataset, "test"):
        # The level of a photo that could not be read is not known: only the whole can be compared.
        sizes = {3: sum(_sizes(dataset).values())}
    else:
        sizes = {level: len(predicted.agreed(level)) for level in published.TTD_IMAGES}

    def named(levels: dict[int, int]) -> dict[str, int]:
        return {f"at least {level} agree": n for level, n in levels.items()}

    return Data(name, True, _difference(name, "TTD", named(sizes), named(published.TTD_IMAGES)))


def _of(classes: set[str], dataset: Dataset | None, predicted: Predictions | None) -> bool:
    """Whether data have the classes of the publications' data, as far as anything tells.

    A result on some of the images may hold some of the classes.
    """
    prepared = dataset is None or set(dataset.class_names) == classes
    return prepared and (predicted is None or set(predicted.class_names) <= classes)


def _prepared(data_dir: Path, name: str) -> Dataset | None:
    try:
        return Dataset(data_dir, name)
    except UserError:  # not on this machine
        return None


def _sizes(dataset: Dataset) -> dict[str, int]:
    """Images listed in each split: those stored and those that could not be read."""
    splits = dataset.manifest["splits"]
    return {s: sum(dataset.counts(s).values()) + _skipped(dataset, s) for s in splits}


def _skipped(dataset: Dataset, split: str) -> int:
    """Number of photos that could not be read."""
    return len(dataset.manifest["splits"][split]["skipped"])


def _difference(name: str, title: str, sizes: dict[str, int], wanted: dict[str, int]) -> str:
    """How the sizes differ from the wanted ones, a sentence; empty if they do not."""
    parts = [f"{part} {n:,} of {wanted.get(part, 0):,}" for part, n in sizes.items()]
    if all(wanted.get(part) == n for part, n in sizes.items()):
        return ""
    return (
        f"{name} is not the whole {title}, but a part of it or a stand-in ({', '.join(parts)} "
        "images): these figures cannot be compared with the published ones."
    )
