"""How noisy labels are: readers beside each other, and planted mistakes that a network finds."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.photo_collections import t4sa
from helpers.samples import Few
from helpers.scripts import refusal, succeed

from sentiment.data import prepare_data
from sentiment.data.dataset import Dataset
from sentiment.experiments.label_noise import readers
from sentiment.runs import learned_images

SCRIPT = "scripts/label_noise.py"


def scores(file: Path, said: dict[int, int]) -> Path:
    """A teacher's table that says a class of each post, sure by 0.8."""
    rows = ["TWID\tNEG\tNEU\tPOS"]
    for post, label in said.items():
        values = [0.8 if column == label else 0.1 for column in range(3)]
        rows.append("\t".join(map(str, [post, *values])))
    file.write_text("\n".join(rows) + "\n")
    return file


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_readers_are_laid_side_by_side(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The list says 0, 1, 2, 0, 1, 2 in each split, and so does the teacher but for post 5."""
    caplog.set_level("INFO")
    lines = [f"data/{number}.jpg {number % 3}" for number in range(6)]
    source = t4sa(tmp_path / "source", lines)
    scores(source / "scores.tsv", {0: 0, 1: 1, 2: 2, 3: 0, 4: 1, 5: 0})
    other = scores(tmp_path / "other.tsv", dict.fromkeys(range(6), 2))
    prepare_data.prepare(prepare_data.Options("t4sa", source, data_dir=tmp_path, workers=1))
    folder = tmp_path / "noise"
    readers.compare(Dataset(tmp_path, "t4sa"), [other], folder)

    with_teacher = {row["said"]: row for row in rows_of(folder / "readers_1.csv")}
    positive = with_teacher["positive"]
    assert (positive["negative"], positive["positive"], positive["agree"]) == ("3", "3", "0.5")
    assert (with_teacher["any"]["n"], round(float(with_teacher["any"]["agree"]), 4)) == (
        "18", 0.8333
    )  # fmt: skip
    assert (
        "the teacher says (rows), and other.tsv (columns)" in (folder / "readers_3.md").read_text()
    )
    ceilings = json.loads((folder / "ceiling.json").read_text())["readers"]
    assert ceilings["the teacher"]["test"] == [6, 5]
    assert set(map(tuple, ceilings["other.tsv"].values())) == {(6, 2)}
    assert any(
        line.startswith("A perfect copy of the teacher would reach on the test split: accuracy "
                        "0.8333, 95 % interval ") for line in caplog.messages
    )  # fmt: skip
    parted = rows_of(folder / "parted.csv")
    assert {"photo": "data/5.jpg", "split": "test", "the list": "positive",
            "the teacher": "negative", "other.tsv": "positive"} in parted  # fmt: skip
    assert "data/2.jpg" not in {row["photo"] for row in parted}


@pytest.mark.slow
def test_planted_mistakes_are_the_least_believed(shared: Path, tmp_path: Path) -> None:
    """Of 16 photos of each breed, 3 lie in the next breed's folder."""
    breeds = sorted((shared / "data" / "dogs" / "train").iterdir())
    planted = set()
    for split, count in {"train": 16, "valid": 4, "test": 1}.items():
        for number, breed in enumerate(breeds):
            photos = sorted((shared / "data" / "dogs" / split / breed.name).iterdir())
            for index, photo in enumerate(photos[:count]):
                wrong = split == "train" and index < 3
                there = breeds[(number + wrong) % len(breeds)].name
                path = Path(split, there, photo.name)
                (tmp_path / "photos" / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "photos" / path).symlink_to(photo)
                planted |= {str(path)} if wrong else set()
    source = tmp_path / "photos"
    prepare_data.prepare(prepare_data.Options("dogs", source, data_dir=tmp_path, workers=1))
    words = ["--dataset", "dogs", "--folds", 3, "--data-dir", tmp_path, "--logs-dir", tmp_path]
    said = succeed(SCRIPT, *words, "--", "--epochs", 8, "--batch-size", 16)
    folder = tmp_path / "dogs" / "label_noise"
    assert "no other reader" in said and not (folder / "ceiling.json").exists()
    least_believed = rows_of(folder / "least_believed.csv")
    found = [row["photo"] for row in least_believed]
    assert len(planted & set(found)) >= 6
    assert len(set(found) - planted) <= 4, found
    belief = [float(row["belief"]) for row in least_believed]
    assert belief == sorted(belief)
    assert learned_images.dropped_by(folder / "least_believed.csv") == set(found)
    noise = rows_of(folder / "noise.csv")
    assert [row["class"] for row in noise] == [breed.name for breed in breeds]
    assert float(np.mean([float(row["noise"]) for row in noise])) == pytest.approx(3 / 16, abs=0.1)
    for row in noise:
        assert float(row["95 % low"]) <= float(row["noise"]) <= float(row["95 % high"])
        assert (folder / f"least_believed_{noise.index(row)}_{row['class']}.png").is_file()


def test_what_cannot_be_judged_is_refused(few: Few, tmp_path: Path) -> None:
    words = ["--data-dir", few.data_dir, "--logs-dir", tmp_path]
    assert "--folds 1: expected 2 or more, or 0" in refusal(SCRIPT, *words, "--folds", 1)
    line = refusal(SCRIPT, *words, "--folds", 9)
    assert "--folds 9: negative has 8 training photos; expected one a fold" in line
    line = refusal(SCRIPT, *words, "--dataset", "ttd", "--scores", few.data_dir / "a.tsv")
    assert "is of negative, neutral, positive; ttd has negative, positive" in line
