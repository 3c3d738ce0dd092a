"""Tables and lists of labelled photos in every form, by the command that a person types."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from helpers import collection_layouts
from helpers.collection_layouts import SENTIMENTS
from helpers.scripts import refusal, succeed

from sentiment.data.dataset import Dataset

PREPARE = "scripts/prepare_data.py"

Rows = list[dict[str, str]]


def as_csv(file: Path, rows: Rows, delimiter: str = ",", encoding: str = "utf-8-sig") -> None:
    with file.open("w", newline="", encoding=encoding) as text:
        writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)


FORMS: dict[str, Callable[[Path, Rows], None]] = {
    "labels.tab": lambda file, rows: as_csv(file, rows, "\t"),
    "posts.csv": as_csv,
    "posts.tsv": lambda file, rows: as_csv(file, rows, "\t", "utf-16"),
    "semicolons.csv": lambda file, rows: as_csv(file, rows, ";", "utf-8"),
    "posts.jsonl": lambda file, rows: file.write_text("\n".join(map(json.dumps, rows)) + "\n\n"),
    "posts.json": lambda file, rows: file.write_text(json.dumps(rows)),
    "posts.parquet": lambda file, rows: pd.DataFrame(rows).to_parquet(file),
}
"""Function that writes a table, by a name that it may have."""


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    """A folder of real photos, and a table's rows for them; the names hold blanks and commas."""
    folder = tmp_path_factory.mktemp("photos")
    rows = []
    for number, (photo, label) in enumerate(collection_layouts.real_photos(shared)):
        name = f"a photo, {number}.jpg"
        (folder / name).write_bytes(photo.read_bytes())
        rows.append({"Image": name, "Sentiment": SENTIMENTS[label], "note": 'said "so"\nto me'})
    return folder, rows


@pytest.mark.parametrize("name", FORMS)
def test_a_table_is_read_in_every_form(name: str, real: tuple[Path, Rows], tmp_path: Path) -> None:
    folder, rows = real
    FORMS[name](tmp_path / name, rows)
    words = ("--source", folder, "--table", tmp_path / name, "--data-dir", tmp_path / "data")
    said = succeed(PREPARE, "table", *words, "--split", "70/15/15")
    assert f"the column Sentiment of {name}, photos in column Image" in said
    data = Dataset(tmp_path / "data", "table")
    labels = {
        path: data.class_names[label]
        for split in ("train", "validation", "test")
        for path, label in zip(data.split(split).paths, data.split(split).labels, strict=True)
    }
    assert labels == {row["Image"]: row["Sentiment"] for row in rows}
    assert sum(data.counts("train").values()) in (24, 25, 26)  # 70 % of 12 of each class
    assert "is whole" in succeed("scripts/verify_data.py", "table", *words[4:])


@pytest.mark.parametrize("delimiter", [" ", "\t", ","])
def test_a_list_of_codes_makes_a_test_set(
    delimiter: str, real: tuple[Path, Rows], tmp_path: Path
) -> None:
    folder, rows = real
    lines = [f"{row['Image']}{delimiter}{SENTIMENTS.index(row['Sentiment'])}" for row in rows]
    (tmp_path / "list.txt").write_text("\r\n".join(lines) + "\r\n\r\n", "utf-8-sig")
    succeed(
        PREPARE, "table", "--source", folder, "--table", tmp_path / "list.txt", "--split",
        "0/0/100", "--class-names", *SENTIMENTS, "--data-dir", tmp_path / "data", "--name", "test",
    )  # fmt: skip
    data = Dataset(tmp_path / "data", "test")
    assert list(data.manifest["splits"]) == ["test"]
    assert data.counts("test") == dict.fromkeys(SENTIMENTS, 12)


REFUSED = {
    "no label": ("photo,kind\na.jpg,1\n", ": which column holds the label? it has photo, kind"),
    "too few fields": ("photo,label\na.jpg,b\nc.jpg\n", ":3: 1 fields; expected 2"),
    "an empty label": ("photo,label\na.jpg,b\nc.jpg,\n", ":3: label ''; expected"),
    "twice": ("photo,label\na.jpg,b\na.jpg,c\n", ":3: a.jpg is listed twice"),
    "outside": ("photo,label\n../a.jpg,b\nb.jpg,c\n", ":2: '../a.jpg' is not a path inside"),
    "a split of no name": ("photo,label,split\na.jpg,b,train\nb.jpg,c,x\n", ":3: split 'x'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_cannot_be_read_is_refused_by_its_line(name: str, tmp_path: Path) -> None:
    text, expected = REFUSED[name]
    (tmp_path / "t.csv").write_text(text)
    line = refusal(PREPARE, "table", "--source", tmp_path, "--data-dir", tmp_path / "data")
    assert f"t.csv{expected}" in line
