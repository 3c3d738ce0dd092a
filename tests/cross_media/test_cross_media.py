"""scripts/cross_media.py as a person uses it: what it leaves, and what it refuses."""

import csv
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import posts
from helpers.scripts import files_of, lacking, refusal, succeed
from helpers.stopping import stopped

from sentiment.base import files, journal
from sentiment.base.errors import UserError
from sentiment.cross_media import cross_media, made_set, page, scoring, vader, written_set
from sentiment.cross_media.filters import Filters
from sentiment.cross_media.texts import normalised
from sentiment.data import dataset, photo_table
from sentiment.data.collections import readers
from sentiment.data.collections.origin import Origin

MAKE = "scripts/cross_media.py"
SMALL = ("--min-side", 8)
"""Flags with which the tiny photos of tests are kept."""


def lists(folder: Path) -> dict[str, list[tuple[str, int]]]:
    """Path and label of each photo, by split."""
    source = readers.read(Origin("t4sa", folder, 1))
    return {
        split: [(photo.path, photo.label) for photo in photos]
        for split, photos in source.splits.items()
    }


def steps(folder: Path) -> dict[str, tuple[int, int]]:
    """Posts and photos that each filter left out, by its title."""
    facts = json.loads((folder / "cross_media.json").read_text())
    return {s["title"]: (s["posts_removed"], s["photos_removed"]) for s in facts["steps"]}


def content(folder: Path) -> dict[str, bytes]:
    """All that a set is, without what only another call reads."""
    found = files_of(folder)
    return {name: value for name, value in found.items() if not name.startswith("work/")}


@pytest.fixture(scope="module")
def real_set(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A set made of the real posts, and what was printed."""
    folder, tweets = tmp_path_factory.mktemp("real") / "set", shared / "data" / "tweets"
    table = shared / "data" / "posts" / "posts.csv"
    tags = [tweets / f"b-t4sa_{name}.txt" for name in ("train", "val", "test")]
    said = succeed(MAKE, "--posts", table, "--photos", tweets, "--into", folder, "--tags", *tags)
    return folder, said


def test_real_posts_become_a_set_and_agree_with_people_as_often_as_was_measured(
    real_set: tuple[Path, str],
) -> None:
    folder, said = real_set
    assert "columns: id in id, text in text, photo in photo" in said
    found = re.findall(r"both polar, .*? (0\.\d+), 95 % interval .*, n = (\d+)", said)
    assert [(round(float(value), 2), int(n)) for value, n in found] == [
        (0.74, 388), (0.78, 287), (0.86, 146), (0.90, 58)
    ]  # fmt: skip
    assert "all, three classes                   0.504, 95 % interval 0.468 to 0.540" in said
    removed = steps(folder)
    assert removed["reposts"] == (262, 262)
    assert removed["another language"] == (33, 33)
    by_split = lists(folder)
    kept = [path for photos in by_split.values() for path, _ in photos]
    assert len(kept) == 750 - sum(photos for _, photos in removed.values())
    for path in kept:
        assert (folder / path).is_symlink()
        assert not (folder / path).readlink().is_absolute()


def test_the_real_set_is_prepared_as_it_is_and_says_whose_labels_it_has(
    real_set: tuple[Path, str], tmp_path: Path
) -> None:
    folder, said = real_set
    command = re.findall("then: python (.*)", said)[0].split()
    assert command == ["scripts/prepare_data.py", "t4sa", "--source", str(folder)]
    succeed(*command, "--data-dir", tmp_path)
    prepared = dataset.Dataset(tmp_path, "t4sa")
    sizes = {split: len(photos) for split, photos in lists(folder).items()}
    assert {split: len(prepared.split(split).labels) for split in sizes} == sizes
    expected = "the posts' text, read by VADER 3.3.2, confidence 0.7 or more; shares: scores.tsv"
    assert prepared.manifest["labels_from"] == expected
    assert prepared.split("test").shares is not None


def test_the_scores_of_the_real_set_are_vaders_and_another_threshold_costs_no_reading(
    real_set: tuple[Path, str], shared: Path
) -> None:
    folder, _ = real_set
    table = pd.read_csv(folder / "scores.tsv", sep="\t", dtype={"TWID": str})
    assert list(table) == ["TWID", "NEG", "NEU", "POS"]
    assert np.allclose(table[["NEG", "NEU", "POS"]].sum(axis=1), 1, atol=2e-6)
    texts = pd.read_csv(shared / "data" / "posts" / "posts.csv", dtype={"id": str})
    teacher = vader.Vader()
    by_id = dict(zip(texts["id"], texts["text"], strict=True))
    scores = teacher.scores([normalised(by_id[name]) for name in table["TWID"]])
    assert np.allclose(scores, table[["NEG", "NEU", "POS"]], atol=1e-6)
    labels = dict(zip(table["TWID"], scores.argmax(axis=1), strict=True))
    for path, label in itertools.chain(*lists(folder).values()):
        assert labels[Path(path).stem.rpartition("-")[0]] == label

    words = ["--posts", shared / "data/posts/posts.csv", "--photos", shared / "data/tweets"]
    said = succeed(MAKE, *words, "--into", folder, "--min-confidence", "NEG=0.6", "NEU=0.9",
                   "POS=0.8", "--balance")  # fmt: skip
    assert re.search(r"  (\d+) texts have been scored before", said)
    assert "read 0 photos" in said
    counts = json.loads((folder / "cross_media.json").read_text())["counts"]
    of_class = {name: sum(c[name] for c in counts.values()) for name in counts["train"]}
    assert len(set(of_class.values())) == 1


def test_the_page_needs_nothing_and_fits_a_telephone(real_set: tuple[Path, str]) -> None:
    file = real_set[0] / made_set.PAGE
    text = file.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "<script" not in text
    from playwright import sync_api

    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        lacking("no chromium")
    with sync_api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 360, "height": 800})
        tab.goto(file.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") == 360
        assert tab.evaluate("[...document.images].every(i => i.naturalWidth == 144)")
        assert tab.locator(".histograms svg").count() == 3
        browser.close()


PLANTED = {
    "id met before": 3,
    "no photo": 4,
    "another language": 6,
    "reposts": 7,
    "replies": 5,
    "fewer than 6 words": 8,
    "text met before": 9,
    "photo missing or damaged": 2,
    "a side under 8 pixels": 4,
    "one colour, or too many copies": 13,
    "photo met before, equal or near": 10,
    "the teacher unsure": 21,
}
"""Posts that `planted` holds of each kind."""


def planted(folder: Path) -> Path:
    """A table of 200 good posts, and of bad ones of every kind between them."""
    good = [[f"good{n}", posts.text(n), f"{n}.jpg", "", ""] for n in range(200)]
    numbers = itertools.count(1000)

    def bad(kind: str, text: str | None = None, photo: str | None = None) -> list[object]:
        number = next(numbers)
        posts.photo(folder / "photos" / f"{number}.jpg", number)
        return [f"{kind}{number}", text or posts.text(3 * number),
                f"{number}.jpg" if photo is None else photo, "", ""]  # fmt: skip

    for number in range(200):
        posts.photo(folder / "photos" / f"{number}.jpg", number)
    for number in range(4):
        posts.photo(folder / "photos" / f"tiny{number}.jpg", 5000 + number, side=7)
    for number in range(10):
        posts.photo(folder / "photos" / f"near{number}.jpg", number, quality=88)
    for number in range(11):
        posts.photo(folder / "photos" / f"many{number}.jpg", 6000, quality=90 - number % 3)
    for number, level in enumerate((0, 200)):
        file = folder / "photos" / f"flat{number}.png"
        posts.Image.new("RGB", (20, 20), (level,) * 3).save(file)
    (folder / "photos" / "broken.jpg").write_bytes(b"no photo")
    foreign = "Wir waren gestern am Fluss und es war ein schöner Tag für alle"
    rows = [
        *(["good1", posts.text(7000), "0.jpg", "", ""] for _ in range(3)),
        *(bad("nothing", photo="") for _ in range(4)),
        *(bad("foreign", f"{foreign} {n}") for n in range(6)),
        *(bad("repost", f"RT @x: {posts.text(n)}") for n in range(7)),
        *(bad("reply", f"@x {posts.text(n)}") for n in range(5)),
        *(bad("short", f"a great day http://x.org/{n} @me") for n in range(8)),
        *(bad("again", posts.text(n).upper()) for n in range(9)),
        bad("missing", photo="nowhere.jpg"),
        bad("broken", photo="broken.jpg"),
        *(bad("tiny", photo=f"tiny{n}.jpg") for n in range(4)),
        *(bad("many", photo=f"many{n}.jpg") for n in range(11)),
        *(bad("flat", photo=f"flat{n}.png") for n in range(2)),
        *(bad("near", photo=f"near{n}.jpg") for n in range(10)),
        *(
            bad("unsure", f"an interesting morning at the river with boat q{n}q")
            for n in range(300, 321)
        ),
    ]
    random = np.random.default_rng(1)
    for place, row in zip(np.sort(random.integers(12, 200, len(rows)))[::-1], rows, strict=True):
        good.insert(place, row)
    return posts.write(folder / "posts.csv", good)


def test_what_is_planted_is_counted_under_its_own_filter(tmp_path: Path) -> None:
    table = planted(tmp_path)
    words = ["--posts", table, "--photos", tmp_path / "photos", *SMALL]
    said = succeed(MAKE, *words, "--into", tmp_path / "set")
    found = {title: posts_out for title, (posts_out, _) in steps(tmp_path / "set").items()}
    assert found == {"posts read": 0} | PLANTED
    for title, count in PLANTED.items():
        assert re.search(rf"  {re.escape(title)} +-{count} +(-|0)", said), title
    kept = itertools.chain(*lists(tmp_path / "set").values())
    assert {Path(path).stem for path, _ in kept} == {f"good{n}-1" for n in range(200)}
    off = ["--language", "any", "--keep-reposts", "--keep-replies", "--min-words", 0,
           "--keep-equal-texts", "--min-side", 1, "--max-copies", 0, "--keep-near-photos",
           "--min-confidence", 0]  # fmt: skip
    succeed(MAKE, *words[:4], "--into", tmp_path / "set", *off)
    found = {title: out for title, (out, _) in steps(tmp_path / "set").items() if out}
    still = ("id met before", "no photo", "photo missing or damaged")
    assert found == {title: PLANTED[title] for title in still} | {
        "one colour, or too many copies": 2
    }


def test_what_belongs_together_stands_in_one_split(tmp_path: Path) -> None:
    """Ten thousand posts of 4,000 authors; some texts and some photos come twice."""
    random = np.random.default_rng(2)
    rows = []
    for number in range(10_000):
        twin = number - int(random.integers(1, 500))
        name, text = f"{number:05}", posts.text(number)
        quality, drawn = (60, twin) if number > 500 and random.random() < 0.05 else (90, number)
        posts.photo(tmp_path / "photos" / f"{name}.jpg", drawn, quality=quality)
        if number > 500 and random.random() < 0.05:
            text = posts.text(twin)
        rows.append([name, text, f"{name}.jpg", f"user{random.integers(4000)}", "2026-01-01"])
    table = posts.write(tmp_path / "posts.csv", rows)
    words = ["--posts", table, "--photos", tmp_path / "photos", *SMALL, "--min-confidence", 0]
    words += ["--keep-near-photos", "--keep-equal-texts", "--split", "78/11/11"]
    succeed(MAKE, *words, "--into", tmp_path / "set")

    by_split = lists(tmp_path / "set")
    split_of = {Path(path).stem.rpartition("-")[0]: split
                for split, photos in by_split.items() for path, _ in photos}  # fmt: skip
    assert len(split_of) == 10_000
    for column in (1, 3):
        together: dict[str, set[str]] = {}
        for row in rows:
            together.setdefault(row[column], set()).add(split_of[row[0]])
        assert all(len(splits) == 1 for splits in together.values())
        assert len(together) < 9800
    photos = pd.read_csv(tmp_path / "set" / "work" / "photos.csv")
    hashes = np.array([int(value, 16) for value in photos["phash"]], np.uint64)
    near = 0
    for number in range(1, len(hashes)):
        for twin in np.flatnonzero(np.bitwise_count(hashes[:number] ^ hashes[number]) <= 4):
            near += 1
            assert split_of[rows[number][0]] == split_of[rows[twin][0]]
    assert near > 150
    labels = {split: np.bincount([label for _, label in p]) for split, p in by_split.items()}
    total = sum(labels.values())
    for split, percent in {"train": 78, "validation": 11, "test": 11}.items():
        assert np.abs(labels[split] - total * percent / 100).max() <= 3


def options(folder: Path, into: str, **more: object) -> cross_media.Options:
    filters = Filters(min_side=8, language="any")  # the detector takes longer than the rest
    return cross_media.Options(
        folder / "posts.csv", folder / into / "set", folder / "photos", filters=filters, **more
    )


STOPS = [
    (photo_table, "_row", 40),
    *((scoring.Notes, "add", after) for after in (0, 2)),
    (journal.Journal, "add", 1),
    (made_set, "_listed", 0),
    (written_set, "withdraw", 0),
    (written_set.os, "symlink", 30),
    *((files, "sync", after) for after in (1, 7, 11, 15)),
    (page, "write", 0),
    (written_set, "write_lists", 0),
]
"""What is called for the last time before a kill."""


def test_a_set_stopped_anywhere_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    posts.posts(tmp_path, 60)
    monkeypatch.setattr(journal, "SECONDS", 0)
    monkeypatch.setattr(vader.Vader, "block", 16)
    for name in ("sync", "fsync"):  # what has been written outlives a process
        monkeypatch.setattr(written_set.os, name, lambda *_: None)
    cross_media.make(options(tmp_path, "whole"))
    expected = content(tmp_path / "whole" / "set")
    for number, (owner, name, after) in enumerate(STOPS):
        made = options(tmp_path, f"stopped{number}")
        with stopped(monkeypatch, owner, name, after):
            cross_media.make(made)
        assert not (made.into / "b-t4sa_train.txt").exists()
        caplog.clear()
        caplog.set_level("INFO")
        cross_media.make(made)
        assert content(made.into) == expected, (name, after)
        if (owner, after) == (scoring.Notes, 2):
            assert "  32 texts have been scored before" in caplog.messages
    # A set that is being replaced is not prepared either.
    with stopped(monkeypatch, page, "write", 0):
        cross_media.make(options(tmp_path, "whole", min_confidence=("0.6",)))
    with pytest.raises(UserError, match=r"b-t4sa_train\.txt: no such list"):
        lists(tmp_path / "whole" / "set")
    cross_media.make(options(tmp_path, "whole"))
    assert content(tmp_path / "whole" / "set") == expected


@pytest.mark.parametrize("ways", [("symlink",), ("symlink", "link")])
def test_a_file_system_without_links_gets_the_photos_themselves(
    ways: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts.posts(tmp_path, 60)

    def refuse(*_: object) -> None:
        raise OSError(95, "not supported")

    for way in ways:
        monkeypatch.setattr(written_set.os, way, refuse)
    cross_media.make(options(tmp_path, "into"))
    folder = tmp_path / "into" / "set"
    facts = json.loads((folder / "cross_media.json").read_text())
    assert facts["photos_are"] == {1: "hard links", 2: "copies"}[len(ways)]
    for path, _ in itertools.chain(*lists(folder).values()):
        assert not (folder / path).is_symlink()
        number = re.findall(r"\d+", path)[-2]
        assert (folder / path).read_bytes() == (tmp_path / f"photos/{number}.jpg").read_bytes()


def test_somebodys_scores_are_taken_and_two_teachers_laid_side_by_side(tmp_path: Path) -> None:
    table = posts.posts(tmp_path, 90)
    scores = tmp_path / "t4sa_text_sentiment.tsv"
    shares = {0: (0.05, 0.05, 0.9), 1: (0.8, 0.1, 0.1), 2: (0.3, 0.3, 0.4)}
    with scores.open("w") as lines:
        writer = csv.writer(lines, delimiter="\t")
        writer.writerow(["TWID", "NEG", "NEU", "POS"])
        writer.writerows([f"id{n}", *shares[n % 3]] for n in range(80))
    words = ["--posts", table, "--photos", tmp_path / "photos", *SMALL, "--scores", scores]
    said = succeed(MAKE, *words, "--into", tmp_path / "theirs")
    removed = steps(tmp_path / "theirs")
    assert removed[f"no score in {scores}"] == (10, 10)
    assert removed["the teacher unsure"] == (26, 26)
    assert "labels by the scores in t4sa_text_sentiment.tsv" in said
    kept = dict(itertools.chain(*lists(tmp_path / "theirs").values()))
    assert len(kept) == 54
    assert all(
        label == (2, 0)[int(re.findall(r"\d+", path)[-2]) % 3] for path, label in kept.items()
    )

    said = succeed(MAKE, *words, "--into", tmp_path / "both", "--teacher", "vader")
    assert (
        "  VADER 3.3.2 and the scores in t4sa_text_sentiment.tsv agree on 0.675, 95 % interval "
        "0.566 to 0.768, n = 80; one positive, one negative: 0\n"
    ) in said
    facts = json.loads((tmp_path / "both" / "cross_media.json").read_text())
    assert facts["agreement"]["second"]["confusion"] == [[27, 0, 0], [0, 0, 26], [0, 0, 27]]
    assert "no score" not in said


def test_mistakes_are_one_line_and_nothing_of_others_is_written_over(tmp_path: Path) -> None:
    table = posts.posts(tmp_path, 12)
    good = ["--posts", table, "--photos", tmp_path / "photos", *SMALL]
    into = ["--into", tmp_path / "set"]
    other = tmp_path / "other"
    (other / "data").mkdir(parents=True)
    assert f"--into {other}: holds something that this command has not written" in refusal(
        MAKE, *good, "--into", other
    )
    wrong = posts.write(
        tmp_path / "wrong.csv", [["7.1e+17", "a", "0.jpg"]], ("id", "text", "photo")
    )
    assert "wrong.csv:2: id '7.1e+17'; expected letters, digits, - and _" in refusal(
        MAKE, *good[2:], *into, "--posts", wrong
    )
    nameless = posts.write(tmp_path / "nameless.csv", [["1", "a"]], ("id", "words"))
    assert "nameless.csv: which column holds the text? it has id, words; say it with" in refusal(
        MAKE, *good[2:], *into, "--posts", nameless
    )
    flags = {
        ("--min-confidence", "NEG=0.7"): "one a class, such as NEG=0.7 NEU=0.9 POS=0.9",
        ("--min-confidence", "1.5"): "expected a number from 0 to 1",
        ("--split", "0/0/100"): "expected training and validation photos too",
        ("--language", "english"): "--language english: expected any, or one of am, ar,",
        ("--max-distance", "9"): "--max-distance 9: expected at most 8",
        ("--teacher", "/nowhere/model"): "--teacher /nowhere/model: no such folder",
        ("--scores", "nowhere.tsv"): "nowhere.tsv: no such table",
        ("--tags", "nowhere.txt"): "nowhere.txt: no such list",
        ("--min-words", "99"): "no photo is left for the train split; keep more",
    }
    for words, expected in flags.items():
        assert expected in refusal(MAKE, *good, *into, *words), words
    assert not (tmp_path / "set" / "b-t4sa_train.txt").exists()
