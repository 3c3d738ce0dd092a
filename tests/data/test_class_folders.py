"""Class folders as people have them: what lies around, splits in many names, or none."""

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.photo_collections import breeds, photo
from helpers.scripts import refusal, succeed
from PIL import Image

from sentiment.data.collections import readers
from sentiment.data.collections.origin import Origin
from sentiment.data.dataset import Dataset

PREPARE = "scripts/prepare_data.py"


def prepare(source: Path, *flags: object, kind: str = "folders") -> Dataset:
    """Prepare a collection beside itself."""
    data_dir = source.parent / "data"
    succeed(PREPARE, kind, "--source", source, "--data-dir", data_dir, *flags)
    return Dataset(data_dir, kind)


def paths(data: Dataset) -> dict[str, list[str]]:
    return {name: data.split(name).paths.tolist() for name in data.manifest["splits"]}


def left_by_systems(folder: Path) -> None:
    """What a Mac, a Windows machine, a notebook and a network drive leave in a folder."""
    for name in (".DS_Store", "._0.jpg", "Icon\r", "Thumbs.db", "thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"\0\1 no photo")
    for name in ("__MACOSX", ".ipynb_checkpoints", "@eaDir"):
        (folder / name).mkdir()
        shutil.copy(next(folder.rglob("*.jpg")), folder / name / "copy.jpg")


def test_what_lies_around_in_real_folders_is_no_class_and_no_photo(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name, first in {"neg": 0, "pos": 8}.items():
        for number in range(8):
            photo(source / name / f"{number}.jpg", first + number)
        (source / name / "notes.txt").write_text("taken in May")
    for folder in (source, source / "neg", source / "pos"):
        left_by_systems(folder)
    (source / "pos" / "7.jpg").rename(source / "pos" / "seven")  # a photo by its content
    (source / "neg" / "more").mkdir()
    (source / "neg" / "7.jpg").rename(source / "neg" / "more" / "7.jpg")
    words = ("folders", "--source", source, "--data-dir", tmp_path / "data")
    log = succeed(PREPARE, *words)
    assert "passed over 2 files that are no photos: neg/notes.txt, pos/notes.txt" in log
    data = Dataset(tmp_path / "data", "folders")
    assert data.class_names == ("neg", "pos")
    found = sorted(itertools.chain(*paths(data).values()))
    assert found == sorted(
        [f"neg/{number}.jpg" for number in range(7)] + ["neg/more/7.jpg"]
        + [f"pos/{number}.jpg" for number in range(7)] + ["pos/seven"]
    )  # fmt: skip
    assert data.manifest["passed_over"] == ["neg/notes.txt", "pos/notes.txt"]


NAMES = [
    ("train", "valid", "test"),
    ("Training", "val", "TEST"),
    ("TRAIN", "Validation", "testing"),
]


@pytest.mark.parametrize("names", NAMES, ids=", ".join)
def test_splits_have_many_names(names: tuple[str, ...], tmp_path: Path) -> None:
    source = breeds(tmp_path / "source", **dict.fromkeys(names, 4))
    found = readers.read(Origin("folders", source, seed=1))
    assert {name: len(photos) for name, photos in found.splits.items()} == {
        "train": 6, "validation": 6, "test": 6,
    }  # fmt: skip
    assert not found.undivided


MISSING = {
    "no validation": (("train", "test"), {"train": 27, "validation": 3, "test": 30}),
    "no test": (("train", "valid"), {"train": 30, "validation": 15, "test": 15}),
    "train alone": (("train",), {"train": 24, "validation": 3, "test": 3}),
    "test alone": (("test",), {"test": 30}),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_split_that_is_missing_is_drawn_from_another(name: str, tmp_path: Path) -> None:
    there, expected = MISSING[name]
    source = breeds(tmp_path / "source", **dict.fromkeys(there, 20))
    divided = readers.read(Origin("folders", source, seed=1)).divided([], seed=1)
    assert {split: len(photos) for split, photos in divided.splits.items()} == expected
    assert list(divided.splits) == [s for s in ("train", "validation", "test") if s in expected]


def near(file: Path, number: int, change: int) -> None:
    """A photo, and others that differ from it in one pixel."""
    pixels = np.random.default_rng(number).integers(0, 256, (64, 64), np.uint8)
    pixels[0, 0] = change
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def test_near_duplicates_go_into_one_split_and_stay_there(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name, first in {"a": 0, "b": 100}.items():
        for number in range(20):
            for change in range(3 if number < 10 else 1):
                near(source / name / f"{number}_{change}.png", first + number, change)
    data = prepare(source, "--split", "60/20/20")
    split_of = {path: split for split, found in paths(data).items() for path in found}
    assert len(split_of) == 80
    groups = [group for group in data.manifest["near_duplicates"] if len(group) == 3]
    assert len(groups) == 20
    for group in groups:
        assert len({split_of[path] for path in group}) == 1
    assert set(split_of.values()) == {"train", "validation", "test"}
    words = ("folders", "--data-dir", data.folder.parent, "--source", source)
    assert "is whole" in succeed("scripts/verify_data.py", *words)
    line = refusal(PREPARE, "folders", "--source", source, "--data-dir", data.folder.parent)
    assert "holds folders from" in line
    assert "read with {'split': '60/20/20'}" in line


def test_a_preparation_stopped_after_its_search_for_near_duplicates_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(40):
        near(source / "ab"[number % 2] / f"{number}.png", number, 0)
    bad = source / "a" / "40.png"
    bad.write_bytes(b"no photo")
    words = ("folders", "--source", source, "--data-dir", tmp_path / "data")
    assert "1 of" in refusal(PREPARE, *words)
    partial = tmp_path / "data" / ".partial-folders"
    assert json.loads((partial / ".near_duplicates.json").read_text()) == []
    near(bad, 40, 0)
    assert "looks for near duplicates" not in succeed(PREPARE, *words)
    assert not list((tmp_path / "data" / "folders").glob(".*"))
    found = paths(Dataset(tmp_path / "data", "folders"))
    assert sum(map(len, found.values())) == 41


def one_class(source: Path) -> None:
    shutil.rmtree(source / "boxer")


def empty_class(source: Path) -> None:
    shutil.rmtree(source / "boxer")
    (source / "boxer").mkdir()


def two_trains(source: Path) -> None:
    for name in ("train", "Training"):
        shutil.copytree(source / "akita", source / name / "akita")


def validation_alone(source: Path) -> None:
    shutil.copytree(source / "akita", source / "val" / "akita")


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "one class": (one_class, "one class, akita; expected two or more"),
    "an empty class": (empty_class, "boxer: a class folder without photos"),
    "two train folders": (two_trains, "the train split, as"),
    "validation alone": (validation_alone, "val alone; expected training photos too"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_folders_that_cannot_be_learned_from_are_refused(name: str, tmp_path: Path) -> None:
    change, expected = REFUSED[name]
    source = breeds(tmp_path, akita=0)
    for number in range(4):
        photo(source / "akita" / f"{number}.jpg", number)
        photo(source / "boxer" / f"{number}.jpg", 50 + number)
    change(source)
    line = refusal(PREPARE, "folders", "--source", source, "--data-dir", tmp_path / "data")
    assert expected in line


def test_a_photo_in_two_splits_is_told_when_it_is_prepared(tmp_path: Path) -> None:
    source = breeds(tmp_path / "source", train=4, valid=2, test=2)
    shutil.copy(source / "train/akita/00.jpg", source / "test/akita/again.jpg")
    log = succeed(PREPARE, "dogs", "--source", source, "--data-dir", tmp_path / "data")
    assert "images stand in train and in test, pixel for pixel" in log
