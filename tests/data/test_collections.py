"""Photo collections as they are published: layouts read, bad lines refused by their number."""

import dataclasses
import json
import re
from pathlib import Path, PurePosixPath
from typing import get_args

import pytest
from helpers.photo_collections import breed, breeds, kaggle, photo, stored, t4sa
from helpers.scripts import refusal, succeed
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.base.errors import UserError
from sentiment.data.collections import photo_lists, readers
from sentiment.data.collections.origin import Origin, Reading
from sentiment.data.dataset import Dataset, Kind

PREPARE = "scripts/prepare_data.py"
GENERATED = settings(max_examples=250, deadline=None)


def test_every_kind_of_collection_has_a_reader() -> None:
    assert set(readers.READERS) == set(get_args(Kind))


def test_an_origin_is_read_back_from_its_manifest(tmp_path: Path) -> None:
    plain = Origin("dogs", tmp_path, seed=7)
    assert plain.manifest_entries == {"kind": "dogs", "source": str(tmp_path), "seed": 7}
    reading = Reading("70/15/15", Path("a.csv"), label_column=("neg", "pos"), polarity=True)
    for origin in (plain, Origin("table", tmp_path, seed=7, reading=reading)):
        manifest = json.loads(json.dumps(origin.manifest_entries))
        assert Origin.of(manifest) == origin
        moved = dataclasses.replace(origin, folder=tmp_path / "moved")
        assert Origin.of(manifest, tmp_path / "moved") == moved


LAYOUTS = {
    "val for valid": (lambda folder: breeds(folder, train=8, val=4, test=2), (8, 4, 2)),
    "val, no test folder": (lambda folder: breeds(folder, train=8, val=8), (8, 4, 4)),
    "labels.csv": (kaggle, (16, 2, 2)),
}
"""By layout: who writes it, and how many akitas the splits must hold, twice the boxers."""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dogs_come_in_several_layouts_and_are_split_by_class(layout, tmp_path):
    write, akitas = LAYOUTS[layout]
    folder = write(tmp_path / "dogs")
    succeed(PREPARE, "dogs", "--source", folder, "--data-dir", tmp_path / "data")
    prepared = Dataset(tmp_path / "data", "dogs")
    paths = []
    for name, akita in zip(("train", "validation", "test"), akitas, strict=True):
        assert prepared.counts(name) == {"akita": akita, "boxer": akita // 2}
        paths += prepared.split(name).paths.tolist()
        for path, label in stored(prepared.split(name)):
            assert breed(path) == prepared.class_names[label]
    assert sorted(paths) == sorted(str(file.relative_to(folder)) for file in folder.rglob("*.jpg"))


BAD_LINES = {
    "no label": ("data/1.jpg", 'expected "PATH LABEL"'),
    "unknown label": ("data/1.jpg 7", "label '7'; expected 0 to 2"),
    "climbing out": ("../1.jpg 1", "'../1.jpg' is not a path inside the source folder"),
    "absolute": ("/etc/1.jpg 1", "'/etc/1.jpg' is not a path inside the source folder"),
    "twice": ("data/0.jpg 1", "data/0.jpg is listed twice"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_of_a_list_is_refused_by_its_number(name, tmp_path):
    bad, expected = BAD_LINES[name]
    source = t4sa(tmp_path / "source", ["data/0.jpg 0", bad])
    line = refusal(PREPARE, "t4sa", "--source", source, "--data-dir", tmp_path / "data")
    assert f"b-t4sa_train.txt:2: {expected}" in line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("five", ["b.jpg 1", "a.jpg 1"], ids=["not nested", "other label"])
def test_ttd_lists_that_contradict_each_other_are_refused(five, tmp_path):
    for word, line in {"five": five, "four": "a.jpg 0", "three": "a.jpg 0"}.items():
        (tmp_path / f"twitter_{word}_agrees.txt").write_text(f"{line}\n")
    line = refusal(PREPARE, "ttd", "--source", tmp_path, "--data-dir", tmp_path)
    assert f'twitter_four_agrees.txt: no line "{five}", which twitter_five_agrees.txt has' in line


def test_a_class_that_train_lacks_is_refused(tmp_path):
    source = breeds(tmp_path / "dogs", train=2, valid=2, test=2)
    photo(source / "test" / "collie" / "0.jpg")
    line = refusal(PREPARE, "dogs", "--source", source, "--data-dir", tmp_path / "data")
    assert "test/collie: a class that train/ does not have" in line


BAD_ROWS = {
    "no breed": (b"30\n", "labels.csv:32: 1 fields; expected 2"),
    "climbing out": (b"../30,akita\n", "labels.csv:32: 'train/../30.jpg' is not a path inside"),
    "twice": (b"0,akita\n", "labels.csv:32: "),
    "not UTF-8": (b"30,ch\xeen\n", "labels.csv"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_of_labels_csv_is_refused_by_its_number(name, tmp_path):
    row, expected = BAD_ROWS[name]
    source = kaggle(tmp_path / "dogs", row)
    line = refusal(PREPARE, "dogs", "--source", source, "--data-dir", tmp_path / "data")
    assert expected in line


def refused_by_line(error: UserError, file: Path) -> bool:
    return bool(re.match(rf"{re.escape(str(file))}:\d+: ", str(error)))


pieces = st.sampled_from(
    ["a.jpg", "../", "/", " ", "\t", "2", "-1", "\r", "\x00", "\u2028", "é", "b"]
)


broken = st.one_of(st.binary(), st.lists(pieces, max_size=6).map(lambda p: "".join(p).encode()))


@GENERATED
@given(broken, st.integers(0, 4))
def test_a_broken_line_of_a_list_is_refused_by_its_number_or_read_as_it_stands(
    tmp_path_factory, line, place
):
    file = tmp_path_factory.getbasetemp() / "b-t4sa_train.txt"
    good = [b"data/%d.jpg %d" % (number, number % 3) for number in range(4)]
    file.write_bytes(b"\n".join([*good[:place], line, *good[place:]]) + b"\n")
    try:
        photos = photo_lists.read_coded(file, 3)
    except UserError as error:
        assert refused_by_line(error, file)
    else:
        assert [path for path, _ in photos if path in {f"data/{n}.jpg" for n in range(4)}] == [
            f"data/{number}.jpg" for number in range(4)
        ]
        for path, label in photos:
            assert not PurePosixPath(path).is_absolute()
            assert ".." not in path.split("/")
            assert label in range(3)


@GENERATED
@given(broken)
def test_a_broken_row_of_labels_csv_is_refused_by_its_number_or_read_as_it_stands(
    tmp_path_factory, row
):
    folder = tmp_path_factory.getbasetemp() / "kaggle"
    folder.mkdir(exist_ok=True)
    good = [b"%d,%s" % (number, b"boxer" if number % 2 else b"akita") for number in range(30)]
    (folder / "labels.csv").write_bytes(b"id,breed\n" + b"\n".join([*good, row]) + b"\n")
    try:
        source = readers.read(Origin("dogs", folder, 1))
    except UserError as error:
        assert refused_by_line(error, folder / "labels.csv")
    else:
        paths = {photo.path for photos in source.splits.values() for photo in photos}
        assert {f"train/{number}.jpg" for number in range(30)} <= paths
        assert len(paths) <= 31
        assert all(".." not in path.split("/") for path in paths)
