"""scripts/explore_data.py as a real process: what it finds, and that it reads nothing twice."""

import csv
import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import imagehash
import numpy as np
import pytest
from helpers.photo_collections import KINDS, breeds, photo, published
from helpers.scripts import ROOT, refusal, succeed
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from sentiment.data.hamming import close_pairs
from sentiment.data.twins import find_twins

EXPLORE = "scripts/explore_data.py"


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", errors="surrogateescape") as lines:
        return list(csv.DictReader(lines))


def figures(folder: Path) -> dict:
    """The summary without what tells one call from another."""
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "finished"
    return {key: summary[key] for key in itertools.takewhile(lambda key: key != "status", summary)}


LEAKS = {"t4sa": (14, 1, 0), "ttd": (0,), "dogs": (18, 3, 2)}
"""Real photos that are in their collection twice; test photos with a twin in train, validation."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_figures_of_real_photos_are_those_of_their_files(
    kind: str, shared: Path, tmp_path: Path
) -> None:
    source = shared / "data" / KINDS[kind]
    said = succeed(EXPLORE, kind, "--source", source, "--logs-dir", tmp_path)
    assert f"Exploring {kind} in {source.resolve()}" in said
    root, splits = published(shared, kind)
    folder = tmp_path / kind / "exploration"
    found = figures(folder)
    rows = read_csv(folder / "photos.csv")
    listed = [(split, path) for split, photos in splits.items() for path, _ in photos]
    assert [(row["split"], row["path"]) for row in rows] == listed
    for split, photos in splits.items():
        by_label = Counter(label for _, label in photos)
        assert list(found["counts"][split].values()) == [by_label[i] for i in sorted(by_label)]

    sides, modes, formats, hashes, grey = [], Counter(), Counter(), [], 0
    for _, path in listed:
        with Image.open(root / path) as image:
            sides.append(image.size)
            modes[image.mode] += 1
            formats[image.format] += 1
            red, *others = image.convert("RGB").split()
            grey += not any(ImageChops.difference(red, other).getbbox() for other in others)
            hashes.append(int(str(imagehash.phash(image)), 16))
    for side, values in zip(("width", "height"), np.array(sides).T, strict=True):
        assert found[side]["mean"] == pytest.approx(values.mean())
        assert found[side]["sd"] == pytest.approx(values.std())
        assert found[side]["median"] == np.median(values)
    contents = [(root / path).read_bytes() for _, path in listed]
    assert found["kilobytes"]["mean"] == pytest.approx(np.mean([*map(len, contents)]) / 1024)
    assert (found["modes"], found["formats"]) == (modes, formats)
    assert found["greyscale_by_mode"] + found["colour_mode_but_equal_channels"] == grey
    assert found["bad"] == 0

    twins = read_csv(folder / "duplicates.csv")
    copies = Counter(hashlib.sha256(content).hexdigest() for content in contents)
    assert {row["sha256"] for row in twins if row["exact_twins"] != "0"} == {
        checksum for checksum, count in copies.items() if count > 1
    }
    # Near are those that are so by the hashes of the whole pictures.
    hashes = np.array(hashes, np.uint64)
    near = np.argwhere(np.triu(np.bitwise_count(hashes[:, None] ^ hashes) <= 4, 1))
    groups = {}
    for row in twins:
        groups.setdefault(row["group"], []).append(row["path"])
    assert list(groups.values()) == [[listed[i][1] for i in pair] for pair in near]
    near, twin_in = (
        found["near_duplicates"],
        found["near_duplicates"]["photos_with_twin_in"]["test"],
    )
    leaks = [twin_in[split] for split in ("train", "validation") if split in twin_in]
    assert (near["photos"], *leaks) == LEAKS[kind]

    classes = list(found["counts"]["test"])
    sheets = [f"contact_sheets/{label}_{name}.png" for label, name in enumerate(classes)]
    for name in ("histograms.png", *sheets):
        with Image.open(folder / name) as picture:
            assert picture.width >= 1600
            assert len(set(picture.convert("L").tobytes())) > 100
    assert "<svg" in (folder / "histograms.svg").read_text()


def collection(folder: Path, photos: Path) -> Path:
    """Write some of the photos in B-T4SA's form, with what should be found in them."""
    data = folder / "data"
    data.mkdir(parents=True)
    drawn = [Image.open(file) for file in sorted(photos.glob("train/*/*.jpg"))[:160:20]]
    for number, image in enumerate(drawn):
        image.save(data / f"{number}.jpg", quality=95)
    shutil.copy(data / "0.jpg", data / "copy.jpg")
    half = drawn[1].resize((drawn[1].width // 2, drawn[1].height // 2))
    half.save(data / "half.jpg", quality=50)
    drawn[2].convert("L").save(data / "grey.jpg")
    drawn[3].convert("L").convert("RGB").save(data / "grey_rgb.jpg")
    drawn[4].convert("L").save(data / "grey.png")
    whole = (data / "5.jpg").read_bytes()
    (data / "broken.jpg").write_bytes(whole[: len(whole) // 2])
    (data / "large.jpg").write_bytes((data / "6.jpg").read_bytes() + bytes(2**20))
    Image.new("RGB", (20, 10), "red").save(data / "small.png")
    lists = {
        "train": "0.jpg 0, 1.jpg 1, 7.jpg 2, grey.jpg 0, small.png 0, broken.jpg 1",
        "val": "half.jpg 1, grey_rgb.jpg 0, large.jpg 2",
        "test": "copy.jpg 2, 7.jpg 2, grey.png 1, missing.jpg 0",
    }
    for name, lines in lists.items():
        text = "".join(f"data/{line}\n" for line in lines.split(", "))
        (folder / f"b-t4sa_{name}.txt").write_text(text)
    return folder


def test_what_is_planted_is_found(drawn: Path, tmp_path: Path):
    source, logs = collection(tmp_path / "source", drawn), tmp_path / "logs"
    said = succeed(EXPLORE, "--source", source, "--logs-dir", logs, "--name", "planted")
    folder = logs / "planted" / "exploration"
    found = figures(folder)
    assert found["photos"] == 13
    assert found["under_1_kb"] == 1
    assert found["over_1024_kb"] == 1
    assert found["formats"] == {"JPEG": 9, "PNG": 2}
    assert found["modes"] == {"RGB": 9, "L": 2}
    assert found["greyscale_by_mode"] == 2
    assert found["colour_mode_but_equal_channels"] == 1
    assert found["bad"] == 2
    bad = {row["path"]: row["problem"] for row in read_csv(folder / "bad_photos.csv")}
    assert bad["data/broken.jpg"].startswith("damaged: ")
    assert bad["data/missing.jpg"] == "no such file"
    assert "data/missing.jpg: no such file" in said

    assert found["exact_duplicates"]["pairs"].items() >= {
        ("train, test", 2), ("train, validation", 0), ("train, train", 0)
    }  # fmt: skip
    assert found["near_duplicates"]["pairs"] == {
        "train, train": 0, "train, validation": 1, "train, test": 2,
        "validation, validation": 0, "validation, test": 0, "test, test": 0,
    }  # fmt: skip
    assert found["near_duplicates"]["photos_with_twin_in"]["test"]["train"] == 2
    assert found["near_duplicates"]["contradicted"] == 2
    twins = read_csv(folder / "duplicates.csv")
    assert [(row["group"], row["split"], row["path"], row["contradicted"]) for row in twins] == [
        ("1", "train", "data/0.jpg", "True"),
        ("1", "test", "data/copy.jpg", "True"),
        ("2", "train", "data/1.jpg", "False"),
        ("2", "validation", "data/half.jpg", "False"),
        ("3", "train", "data/7.jpg", "False"),
        ("3", "test", "data/7.jpg", "False"),
    ]


ODD_NAMES = (
    b"Icon\r.jpg", b"two\nlines, \"quoted\".jpg", b"\xff\xfe.jpg",
    b"\x1b[31mred\x1b]0;title\x07.jpg",
)  # fmt: skip
"""Names of files that macOS, archives of other systems and bad jokes leave behind."""


def test_names_of_any_bytes_are_kept_in_the_tables_and_printed_harmlessly(tmp_path: Path):
    source, logs = breeds(tmp_path / "source", train=2, valid=2, test=2), tmp_path / "logs"
    folder = source / "train" / "akita"
    for name in map(os.fsdecode, ODD_NAMES):
        shutil.copy(folder / "00.jpg", folder / name)
    (folder / os.fsdecode(ODD_NAMES[0])).write_bytes(b"")
    (folder / "\x1b[2Jnotes.txt").write_text("no photo")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "more").mkdir()
    words = ["dogs", "--source", source, "--logs-dir", logs]
    said = succeed(EXPLORE, *words)
    assert not set(said) & {"\x1b", "\r", "\x07"}
    assert r"train/akita/Icon\r.jpg: the file is empty" in said
    assert r"that are no photos: train/akita/\x1b[2Jnotes.txt" in said

    table = logs / "dogs" / "exploration" / "photos.csv"
    rows = read_csv(table)
    paths = {os.fsencode(row["path"]) for row in rows}
    assert {b"train/akita/" + name for name in ODD_NAMES} <= paths
    problems = {row["path"].removeprefix("train/akita/"): row["problem"] for row in rows}
    assert problems["pipe.jpg"] == "no regular file"

    whole = table.read_bytes()
    torn = whole.index(b"two\nlines")
    table.write_bytes(whole[: torn + 6])  # as a kill may leave it
    known = whole.count(b"\r\n", 0, torn) - 1
    assert f"read {len(rows) - known} photos" in succeed(EXPLORE, *words)
    assert table.read_bytes() == whole


def test_a_file_that_is_there_many_times_is_named_as_a_placeholder(tmp_path: Path):
    source = tmp_path / "source"
    places = [*itertools.product(("train", "valid", "test"), ("akita", "boxer"), "123")]
    for level, place in enumerate(places):
        photo(source.joinpath(*place), 9 * level)
    unavailable = source / "train/akita/2"
    for name in ("train/akita/3", "train/boxer/1", "valid/boxer/3"):
        shutil.copy(unavailable, source / name)
    words = ["dogs", "--source", source, "--logs-dir", tmp_path]
    assert "placeholders (5 or more files of the same bytes): 0" in succeed(EXPLORE, *words)
    shutil.copy(unavailable, source / "test/boxer/2")
    said = succeed(EXPLORE, *words)
    assert "placeholders (5 or more files of the same bytes): 1, in 5 files" in said
    assert "5 files in 2 of the classes, such as train/akita/2" in said
    (picture,) = figures(tmp_path / "dogs" / "exploration")["placeholders"]["most_frequent"]
    assert picture["sha256"] == hashlib.sha256(unavailable.read_bytes()).hexdigest()


def test_a_collection_without_a_photo_is_told_of(tmp_path: Path):
    for name in ("train", "val", "test"):
        (tmp_path / f"b-t4sa_{name}.txt").write_text(f"data/{name}.jpg 1\n")
    said = succeed(EXPLORE, "--source", tmp_path, "--logs-dir", tmp_path / "logs")
    assert "cannot be decoded: 3" in said
    assert "data/val.jpg: no such file" in said


@pytest.mark.slow
def test_a_killed_run_goes_on_and_reads_nothing_again(shared: Path, tmp_path: Path):
    source, logs = tmp_path / "tweets", tmp_path / "logs"
    shutil.copytree(shared / "data" / "tweets", source)
    train = source / "b-t4sa_train.txt"
    train.write_text("".join(train.read_text().splitlines(keepends=True)[:60]))
    words = ["t4sa", "--source", source, "--logs-dir"]
    succeed(EXPLORE, *words, tmp_path / "whole")
    table = logs / "t4sa" / "exploration" / "photos.csv"
    words.append(logs)
    with subprocess.Popen(
        [sys.executable, ROOT / EXPLORE, *words], stdout=subprocess.PIPE
    ) as going:
        while not table.exists() or table.read_bytes().count(b"\n") < 100:
            assert going.poll() is None
            time.sleep(0.01)
        going.send_signal(signal.SIGKILL)
    whole = table.read_text().rpartition("\n")[0]  # the kill may have torn a line itself
    known = list(csv.DictReader(whole.splitlines()))
    assert 98 < len(known) < 240
    summary = json.loads((table.parent / "summary.json").read_text())
    assert summary["status"] == "running"
    table.write_text(f"{whole}\ntrain,data/700")  # as it may have done
    for row in known:  # read again, they would be other photos
        replace(source / row["path"])

    said = succeed(EXPLORE, *words)
    assert f"{len(known)} of 240 photos have been read before" in said
    assert f"read {240 - len(known)} photos" in said
    assert figures(table.parent) == figures(tmp_path / "whole" / "t4sa" / "exploration")

    os.utime(source / known[0]["path"])
    assert "read 1 photos" in succeed(EXPLORE, *words)
    assert figures(table.parent)["width"]["min"] == 8
    assert len(read_csv(table)) == 240


def replace(file: Path) -> None:
    """Put another photo into a file, of the same size and time."""
    status = file.stat()
    photo(file)
    os.truncate(file, status.st_size)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.slow
def test_prepared_data_name_their_photos_and_other_collections_are_kept(tmp_path: Path):
    source, data = breeds(tmp_path / "a", train=4, valid=2, test=2), tmp_path / "data"
    where = ["--logs-dir", tmp_path / "logs"]
    words = ["--dataset", "pets", "--data-dir", data, *where]
    succeed("scripts/prepare_data.py", "dogs", "--source", source, "--name", "pets",
            "--data-dir", data)  # fmt: skip
    assert f"Exploring dogs in {source}" in succeed(EXPLORE, *words)
    folder = tmp_path / "logs" / "pets" / "exploration"
    assert figures(folder)["counts"]["train"] == {"akita": 4, "boxer": 2}

    other = breeds(tmp_path / "b", train=4, valid=2, test=2)
    table = folder / "photos.csv"
    before = table.read_bytes()
    line = refusal(EXPLORE, "--source", other, "--name", "pets", *where)
    assert f"holds dogs from {source}; choose another --name" in line
    assert table.read_bytes() == before

    table.write_text("path\nphoto\n")
    line = refusal(EXPLORE, *words)
    assert f"{table}: damaged" in line
    assert "delete it to read all photos again" in line

    shutil.rmtree(source)
    line = refusal(EXPLORE, *words)
    assert f"{source}: {data}/pets was prepared from there, and it is gone" in line
    assert "dogs --source DIR --name pets" in line


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "expected --source DIR, or --dataset NAME"),
        (["--source", ".", "--dataset", "t4sa"], "expected --source DIR, or --dataset NAME"),
        (["--source", "nowhere"], "--source nowhere: no such folder"),
        (["--dataset", "nothing"], "no prepared data"),
        (["--source", ".", "--max-distance", 9], "--max-distance 9: expected 0 to 8"),
        (["--source", ".", "--seed", -1], "--seed -1: expected 0 or more"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_command_that_cannot_work_is_refused(words: list, expected: str, tmp_path: Path):
    assert expected in refusal(EXPLORE, *words, "--logs-dir", tmp_path)
    assert not list(tmp_path.iterdir())


HASHES = st.lists(
    st.tuples(st.sampled_from([0, 2**64 - 1, 0x5A5A5A5A5A5A5A5A]), st.sets(st.integers(0, 63))),
    max_size=30,
    unique_by=lambda drawn: drawn[0] ^ sum(1 << bit for bit in drawn[1]),
)


@given(HASHES, st.integers(0, 8))
@settings(deadline=None)
def test_close_hashes_are_those_that_comparing_all_with_all_finds(drawn: list, most: int):
    hashes = np.array([base ^ sum(1 << bit for bit in bits) for base, bits in drawn], np.uint64)
    found = [
        tuple(sorted(pair))
        for block in close_pairs(hashes, most)
        for pair in zip(*map(np.ndarray.tolist, block), strict=True)
    ]
    expected = [
        (one, other)
        for one, other in itertools.combinations(range(len(hashes)), 2)
        if int(hashes[one] ^ hashes[other]).bit_count() <= most
    ]
    assert sorted(found) == expected


@given(st.data())
@settings(deadline=None)
def test_twins_are_those_that_comparing_all_with_all_finds(data: st.DataObject):
    size = data.draw(st.integers(1, 6))
    drawn = st.tuples(st.integers(0, size - 1), st.integers(0, 2), st.integers(0, 2))
    photos = [(value, 0, 0) for value in range(size)] + data.draw(st.lists(drawn, max_size=12))
    pairs = {
        pair for pair in itertools.combinations(range(size), 2) if data.draw(st.booleans())
    }  # fmt: skip
    blocks = [(np.array([one]), np.array([other])) for one, other in pairs]
    values, splits, labels = np.array(photos, np.int64).reshape(-1, 3).T
    found = find_twins(values, splits, labels, 3, blocks)

    linked = pairs | {(other, one) for one, other in pairs} | {(v, v) for v in range(size)}
    twins = [
        [j for j, other in enumerate(photos) if i != j and (one[0], other[0]) in linked]
        for i, one in enumerate(photos)
    ]
    for i, others in enumerate(twins):
        in_split = Counter(photos[j][1] for j in others)
        assert found.counts[i].tolist() == [in_split[split] for split in range(3)]
        assert found.contradicted[i] == any(photos[j][2] != photos[i][2] for j in others)
        assert all(found.group[i] == found.group[j] for j in others)
    # A group is no larger than its links make it.
    reached = {value: {value} for value in range(size)}
    for _ in range(size):
        for one, other in linked:
            reached[one] |= reached[other]
    for one, other in itertools.combinations(range(len(photos)), 2):
        if photos[other][0] not in reached[photos[one][0]]:
            assert found.group[one] != found.group[other]


def test_half_a_million_hashes_take_little_memory_however_common_one_is():
    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 2**64, 500_000, np.uint64)
    hashes[:100_000] = 0  # as if a fifth of the photos were blank: 5,000,000,000 pairs
    bits = rng.permuted(np.tile(np.arange(64, dtype=np.uint64), (1000, 1)), axis=1)[:, :4]
    flips = np.bitwise_or.reduce(np.uint64(1) << bits, axis=1)
    hashes[-1000:] = hashes[-2000:-1000] ^ flips
    labels, splits = np.zeros(500_000, np.int64), np.zeros(500_000, np.int64)
    labels[-1000:] = splits[-1000:] = 1
    tracemalloc.start()
    hashes, values = np.unique(hashes, return_inverse=True)
    found = find_twins(values, splits, labels, 2, close_pairs(hashes, 4))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6
    assert found.counts[:100_000, 0].tolist() == [99_999] * 100_000
    assert (found.counts[-1000:, 0] == 1).all()
    assert (found.counts[-2000:-1000, 1] == 1).all()
    assert found.contradicted.sum() == 2000
    assert found.any.sum() == pytest.approx(102_000, abs=10)  # a few are near by chance
