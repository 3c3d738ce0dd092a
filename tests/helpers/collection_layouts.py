"""Every kind of collection in its own layout on the disk, made of real photos."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from helpers.photo_collections import listed

SENTIMENTS = ("negative", "neutral", "positive")
EMOTIONS = (
    "amusement", "anger", "awe", "contentment", "disgust", "excitement", "fear", "sadness",
)  # fmt: skip
"""Mikels' emotions, as EmoSet and FI have them."""
SPLITS = ("train", "val", "test")
EACH = 12
"""Photos of each sentiment in each collection."""

Photos = list[tuple[Path, int]]
"""Real photos with their sentiment's code."""


def real_photos(shared: Path) -> Photos:
    """The first real tweets' photos of each sentiment, the sentiments in turn."""
    folder = shared / "data" / "tweets"
    lines = listed(folder / "b-t4sa_train.txt")
    by_label = [
        [folder / path for path, code in lines if code == label][:EACH] for label in (0, 1, 2)
    ]
    return [
        (path, label) for group in zip(*by_label, strict=True) for label, path in enumerate(group)
    ]


def write(kind: str, folder: Path, photos: Photos) -> list[str]:
    """Write a collection; return the flags, besides --source, with which it is prepared."""
    return WRITERS[kind](folder, photos) or []


def _copy(photo: Path, place: Path) -> str:
    """Copy a photo; return its name in its folder."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(photo, place)
    return place.name


def _split(number: int) -> str:
    """A split for a photo: of six of each sentiment, four to train on and one for each other."""
    return ("train", "train", "train", "train", "val", "test")[number // 3 % 6]


def _rows(file: Path, rows: list[list], delimiter: str = ",", encoding: str = "utf-8") -> None:
    with file.open("w", newline="", encoding=encoding) as text:
        csv.writer(text, delimiter=delimiter).writerows(rows)


def _folders(folder: Path, photos: Photos) -> None:
    for number, (photo, label) in enumerate(photos):
        _copy(photo, folder / SENTIMENTS[label] / f"{number}.jpg")


def _dogs(folder: Path, photos: Photos) -> None:
    for number, (photo, label) in enumerate(photos):
        _copy(photo, folder / _split(number) / SENTIMENTS[label] / f"{number}.jpg")


def _table(folder: Path, photos: Photos) -> list[str]:
    """Votes in a table as a German Excel writes it: semicolons, CRLF, UTF-16."""
    rows = [["Bild", "negative", "neutral", "positive", "split"]]
    for number, (photo, label) in enumerate(photos):
        name = _copy(photo, folder / "bilder" / f"foto {number}.jpg")
        votes = [1, 1, 1]
        votes[label] += 3
        rows.append([f"bilder\\{name}", *map(str, votes), _split(number)])
    _rows(folder / "stimmen.csv", rows, ";", "utf-16")
    return ["--photo-column", "Bild", "--label-column", *SENTIMENTS]


def _t4sa(folder: Path, photos: Photos) -> None:
    lines: dict[str, list[str]] = {split: [] for split in SPLITS}
    for number, (photo, label) in enumerate(photos):
        name = _copy(photo, folder / "data" / "70000" / f"{number}-1.jpg")
        lines[_split(number)].append(f"data/70000/{name} {label}")
    for split, of_split in lines.items():
        (folder / f"b-t4sa_{split}.txt").write_text("\n".join(of_split) + "\n\n", "utf-8-sig")


def _ttd(folder: Path, photos: Photos) -> None:
    polar = [(photo, label // 2) for photo, label in photos if label != 1]
    votes = [["", "Num of AMT", "Negative", "Positive"]]
    lines = []
    for number, (photo, label) in enumerate(polar):
        name = _copy(photo, folder / "Agg_AMT_Candidates" / f"{number}.jpg")
        lines.append(f"{name} {label}")
        agree = 5 - number % 3
        votes.append([name, "5", *map(str, (5 - agree, agree) if label else (agree, 5 - agree))])
    for word, least in {"five": 5, "four": 4, "three": 3}.items():
        of_level = [line for number, line in enumerate(lines) if 5 - number % 3 >= least]
        (folder / f"twitter_{word}_agrees.txt").write_text("\n".join(of_level) + "\n")
    _rows(folder / "amt_result.csv", votes)


def _emoset(folder: Path, photos: Photos) -> None:
    lists: dict[str, list] = {split: [] for split in SPLITS}
    for number, (photo, _) in enumerate(photos):
        emotion = EMOTIONS[number % 8]
        path = f"image/{emotion}/{emotion}_{number:05}.jpg"
        _copy(photo, folder / path)
        lists[_split(number)].append([emotion, path, path.replace("image", "annotation")])
    for split, entries in lists.items():
        (folder / f"{split}.json").write_text(json.dumps(entries))


def _emotion6(folder: Path, photos: Photos) -> None:
    names = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
    rows = [["[image_filename]", "[valence]", "[arousal]", *(f"[prob. {n}]" for n in names)]]
    for number, (photo, label) in enumerate(photos):
        most = ("sadness", "neutral", "joy")[label]
        path = f"{most}/{number}.jpg"
        _copy(photo, folder / "images" / path)
        shares = [str(0.4 if name == most else 0.1) for name in names]
        rows.append([path, "5.2", "4.1", *shares])
    _rows(folder / "ground_truth.txt", rows, "\t")


def _mvsa(folder: Path, photos: Photos) -> None:
    """MVSA-Multiple: the last photo has no majority, the one before contradicts its text."""
    lines = ["ID\ttext,image\ttext,image\ttext,image"]
    for number, (photo, label) in enumerate(photos):
        _copy(photo, folder / "data" / f"{number}.jpg")
        (folder / "data" / f"{number}.txt").write_text("text of the tweet")
        name = SENTIMENTS[label]
        lines.append(f"{number}\tneutral,{name}\tneutral,{name}\tpositive,negative")
    lines[-1] = f"{number}\tneutral,negative\tneutral,neutral\tneutral,positive"
    lines[-2] = f"{number - 1}\tpositive,negative\tpositive,negative\tpositive,negative"
    (folder / "labelResultAll.txt").write_text("\r\n".join(lines) + "\r\n")


def _t4sa2(folder: Path, photos: Photos) -> None:
    rows: dict[str, list] = {split: [["path", "class"]] for split in SPLITS}
    for number, (photo, label) in enumerate(photos):
        path = f"15110/15110{number}-0.jpg"
        _copy(photo, folder / path)
        rows[_split(number)].append([path, str(label)])
    for split, of_split in rows.items():
        _rows(folder / f"merge_{split}.csv", of_split)


WRITERS: dict[str, Callable[[Path, Photos], list[str] | None]] = {
    "folders": _folders, "dogs": _dogs, "table": _table, "t4sa": _t4sa, "ttd": _ttd,
    "emoset": _emoset, "emotion6": _emotion6, "mvsa": _mvsa, "t4sa2": _t4sa2,
}  # fmt: skip
"""Function that writes a collection of each kind into a folder."""
