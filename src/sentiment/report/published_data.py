"""Whether data are those of the publications, so that figures may be held beside theirs."""

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
    """It has the form of the publications' data, so their figures stand beside ours."""
    difference: str = ""
    """How its sizes differ from the publications', a sentence; empty if they do not."""


def trained_on(data_dir: Path, name: str, test: Predictions | None) -> Data:
    """B-T4SA, or what is called or formed like it, by its sizes."""
    dataset = _prepared(data_dir, name)
    kind = dataset.manifest["kind"] if dataset else name
    if kind != "t4sa":
        return Data(name, published=False)
    # Where the data are on another machine, what was predicted tells.
    predicted = {"test": len(test)} if test is not None else {}
    found = _sizes(dataset) if dataset else predicted
    return Data(name, True, _difference(name, "B-T4SA", found, published.T4SA_IMAGES))


def ttd(data_dir: Path, name: str, predicted: Predictions | None) -> Data:
    """TTD, by the sizes of its levels of agreement."""
    if predicted is None:
        return Data(name, published=True)
    levels = {f"at least {level} agree": int((predicted.agreement >= level).sum())
              for level in published.TTD_IMAGES}  # fmt: skip
    wanted = {f"at least {level} agree": n for level, n in published.TTD_IMAGES.items()}
    dataset = _prepared(data_dir, name)
    if dataset and _skipped(dataset, "test"):
        # A photo that could not be read counts in one level or more; the whole tells.
        levels, last = {}, "at least 3 agree"
        levels[last], wanted = sum(_sizes(dataset).values()), {last: wanted[last]}
    return Data(name, True, _difference(name, "TTD", levels, wanted))


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
    return len(dataset.manifest["splits"][split]["skipped"])


def _difference(name: str, title: str, found: dict[str, int], wanted: dict[str, int]) -> str:
    parts = [f"{key} {n:,} of {wanted.get(key, 0):,}" for key, n in found.items()]
    if all(wanted.get(key) == n for key, n in found.items()):
        return ""
    return (
        f"{name} is not the whole {title}, but a part of it or a stand-in ({', '.join(parts)} "
        "images): these figures cannot be compared with the published ones."
    )
