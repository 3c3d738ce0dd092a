"""scripts/prepare_data.py as a real process: what it stores, skips and refuses."""

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers.photo_collections import (
    CLASS_NAMES,
    KINDS,
    breeds,
    listed,
    photo,
    published,
    stored,
    t4sa,
)
from helpers.scripts import files_of, refusal, run, succeed

from sentiment.data.dataset import Dataset
from sentiment.data.decode import decode_file

PREPARE = "scripts/prepare_data.py"


def shown(folder: Path) -> list[str]:
    """What a folder holds, but for hidden locks and what is unfinished."""
    return sorted(path.name for path in folder.iterdir() if path.name[0] != ".")


def manifest(data_dir: Path, name: str) -> dict:
    return json.loads((data_dir / name / "manifest.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_every_split_holds_its_lists_photos_labels_and_counts(kind, shared, real_data):
    _, splits = published(shared, kind)
    prepared = Dataset(real_data, kind)
    assert prepared.class_names == CLASS_NAMES[kind]
    assert list(prepared.manifest["splits"]) == list(splits)
    for name, photos in splits.items():
        assert sorted(stored(prepared.split(name))) == sorted(photos)
        by_class = Counter(prepared.class_names[label] for _, label in photos)
        assert prepared.counts(name) == by_class


@pytest.mark.parametrize("kind", KINDS)
def test_test_keeps_its_lists_order_and_the_other_splits_are_mixed(kind, shared, real_data):
    _, splits = published(shared, kind)
    prepared = Dataset(real_data, kind)
    assert stored(prepared.split("test")) == splits.pop("test")
    for name, photos in splits.items():
        split = prepared.split(name)
        assert stored(split) != photos
        # A third, of three classes as large; nearly all, were they stored class by class.
        assert (np.diff(split.labels) == 0).mean() < 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_every_stored_image_is_its_photo_decoded(kind, shared, real_data):
    root, splits = published(shared, kind)
    for name in splits:
        split = Dataset(real_data, kind).split(name)
        with ThreadPoolExecutor() as pool:
            for row, image in enumerate(pool.map(decode_file, [root / p for p in split.paths])):
                assert np.array_equal(split.images[row : row + 1][0], image), split.paths[row]


def test_ttd_knows_how_many_annotators_agreed(shared, real_data):
    split = Dataset(real_data, "ttd").split("test")
    for level, word in {5: "five", 4: "four", 3: "three"}.items():
        photos = listed(shared / "data" / "ttd" / f"twitter_{word}_agrees.txt")
        rows = np.flatnonzero(split.agreement >= level)
        assert sorted(stored(split)[row] for row in rows) == sorted(photos)


@pytest.mark.parametrize("kind", KINDS)
def test_the_manifest_says_what_was_prepared_from_what_and_how(kind, shared, real_data):
    found = manifest(real_data, kind)
    assert found["format_version"] == 3
    assert found["kind"] == kind
    assert found["source"] == str((shared / "data" / KINDS[kind]).resolve())
    assert found["image"] == {"shape": [224, 224, 3], "dtype": "uint8", "colour": "sRGB"}
    assert found["command"][1].endswith(PREPARE)
    assert found["versions"]["pillow"]
    for name, photos in published(shared, kind)[1].items():
        split = found["splits"][name]
        files = [file for file in (real_data / kind / name).rglob("*") if file.is_file()]
        assert split["images"] == len(photos) == sum(split["by_class"].values())
        assert split["bytes"] == sum(file.stat().st_size for file in files)
        assert split["skipped"] == []


def test_the_same_command_gives_the_same_and_other_data_of_that_name_are_kept(tmp_path):
    source, data_dir = breeds(tmp_path / "a", train=4, valid=2, test=2), tmp_path / "data"
    command = [PREPARE, "dogs", "--data-dir", data_dir, "--source"]
    succeed(*command, source)
    first = manifest(data_dir, "dogs")
    assert "is already prepared from" in succeed(*command, source)
    other = breeds(tmp_path / "b", train=4, valid=2, test=2)
    line = refusal(*command, other)
    assert f"holds dogs from {source.resolve()}, seed 1; choose another --name" in line
    assert manifest(data_dir, "dogs") == first

    succeed(*command, source, "--name", "again")
    assert Dataset(data_dir, "again").fingerprint == first["fingerprint"]
    photo(source / "train" / "akita" / "0.jpg")
    succeed(*command, source, "--overwrite")
    assert Dataset(data_dir, "dogs").counts("train") == {"akita": 5, "boxer": 2}
    assert Dataset(data_dir, "dogs").fingerprint != first["fingerprint"]
    assert shown(data_dir) == ["again", "dogs"]


def test_the_photos_themselves_are_never_overwritten(tmp_path):
    source = breeds(tmp_path / "dogs", train=4, valid=2, test=2)
    run(PREPARE, "dogs", "--source", source, "--data-dir", tmp_path, "--overwrite")
    assert len(list(source.rglob("*.jpg"))) == 12


BAD_COMMANDS = {
    "no such source": (["t4sa", "--source", "nowhere"], "--source nowhere: no such folder"),
    "no list": (["t4sa", "--source", "."], "b-t4sa_train.txt: no such list"),
    "no class folder": (["dogs", "--source", "."], "no class folders"),
    "bad name": (["t4sa", "--source", ".", "--name", "../x"], "data set name '../x'"),
    "misspelt flag": (["t4sa", "--source", ".", "--sede", "2"], "--sede"),
    "101 %": (["t4sa", "--source", ".", "--max-bad-percent", "101"], "expected 0 to 100"),
    "negative seed": (["t4sa", "--source", ".", "--seed", "-1"], "--seed -1: expected 0 or more"),
}


@pytest.mark.parametrize("name", BAD_COMMANDS)
def test_a_command_that_cannot_work_is_refused(name, tmp_path, monkeypatch):
    words, expected = BAD_COMMANDS[name]
    monkeypatch.chdir(tmp_path)
    assert expected in refusal(PREPARE, *words, "--data-dir", "data")
    assert list(tmp_path.iterdir()) == []


def flawed(folder: Path) -> dict[str, str]:
    """Write a collection with four bad photos of 400 for training; return their faults by path."""
    good = [f"data/{number}.jpg" for number in range(396)]
    for number, path in enumerate(good):
        photo(folder / path, number)
    whole = (folder / "data/0.jpg").read_bytes()
    (folder / "data/truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "data/empty.jpg").touch()
    (folder / "data/text.jpg").write_text("no picture at all")
    bad = {
        "data/truncated.jpg": "damaged: ",
        "data/empty.jpg": "the file is empty",
        "data/text.jpg": "not an image",
        "data/missing.jpg": "no such file",
    }
    t4sa(folder, [f"{path} {number % 3}" for number, path in enumerate([*bad, *good])])
    return bad


def test_one_percent_of_bad_photos_is_skipped_and_listed_and_the_rest_is_there(tmp_path):
    source, data_dir = tmp_path / "source", tmp_path / "data"
    bad = flawed(source)
    printed = succeed(PREPARE, "t4sa", "--source", source, "--data-dir", data_dir)
    assert "train: 396 images" in printed
    assert "4 skipped" in printed
    prepared = Dataset(data_dir, "t4sa")
    skipped = {
        one["path"]: one["reason"] for one in prepared.manifest["splits"]["train"]["skipped"]
    }
    assert skipped.keys() == bad.keys()
    assert all(skipped[path].startswith(bad[path]) for path in bad)
    split = prepared.split("train")
    photos = [
        (path, label) for path, label in listed(source / "b-t4sa_train.txt") if path not in bad
    ]
    assert sorted(stored(split)) == sorted(photos)
    assert sum(prepared.counts("train").values()) == 396
    for row in (0, 200, 395):
        image = decode_file(source / split.paths[row])
        assert np.array_equal(split.images[row : row + 1][0], image)


def test_more_bad_photos_than_allowed_leave_all_as_it_was(tmp_path):
    source = t4sa(tmp_path / "source", [f"data/{number}.jpg 0" for number in range(7)])
    data_dir = tmp_path / "data"
    command = [PREPARE, "t4sa", "--source", source, "--data-dir", data_dir]
    line = refusal(*command)
    assert "train: 1 of 7 photos are bad, over the 1 % allowed" in line
    assert "data/6.jpg: no such file" in line
    assert shown(data_dir) == []
    assert "train: 6 images" in succeed(*command, "--max-bad-percent", 50)
    prepared = manifest(data_dir, "t4sa")
    assert "over the 1 % allowed" in refusal(*command, "--overwrite")
    assert manifest(data_dir, "t4sa") == prepared
    assert len(Dataset(data_dir, "t4sa").split("train")) == 6
    assert shown(data_dir) == ["t4sa"]


def test_a_bad_photo_with_a_name_that_is_not_utf8_does_not_end_in_a_traceback(tmp_path):
    source = breeds(tmp_path / "dogs", train=2, valid=2, test=2)
    os.close(os.open(bytes(source / "train" / "akita") + b"/\xe9.jpg", os.O_CREAT))
    done = run(PREPARE, "dogs", "--source", source, "--data-dir", tmp_path / "data",
               "--max-bad-percent", 50, PYTHONIOENCODING="utf-8:backslashreplace")  # fmt: skip
    assert done.returncode in (0, 2), done.stderr


@pytest.mark.slow
def test_any_number_of_workers_and_a_cluster_write_the_same_bytes(drawn, tmp_path):
    from distributed import LocalCluster

    def prepared(name: str, *flags: object) -> dict[str, bytes]:
        where = ["--source", drawn, "--data-dir", tmp_path / name]
        succeed(PREPARE, "dogs", *where, *flags)
        return files_of(tmp_path / name)

    one = prepared("one", "--workers", 1)
    assert len(one) > 20
    assert prepared("three", "--workers", 3) == one
    with LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        assert prepared("cluster", "--scheduler", cluster.scheduler_address) == one


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_and_no_workers_are_named(drawn, tmp_path):
    where = ["dogs", "--source", drawn, "--data-dir", tmp_path]
    line = refusal(PREPARE, *where, "--scheduler", "127.0.0.1:9")
    assert "--scheduler 127.0.0.1:9: no answer" in line
    assert "--workers 0: expected 1 or more" in refusal(PREPARE, *where, "--workers", 0)
    assert shown(tmp_path) == []
