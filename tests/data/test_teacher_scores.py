"""A teacher's probabilities beside B-T4SA's lists: into the store, or refused by their line."""

from pathlib import Path

import numpy as np
import pytest
from helpers.photo_collections import t4sa
from helpers.scripts import refusal, succeed

from sentiment.base.errors import UserError
from sentiment.data.collections import readers
from sentiment.data.collections.origin import Origin, Reading
from sentiment.data.dataset import Dataset

HEADER = "TWID\tNEG\tNEU\tPOS\n"
ROWS = {str(number): f"{number}\t0.{number}\t0.2\t0.3\n" for number in range(6)}
LINES = ["data/0.jpg 0", "data/5.jpg 2"]


def scores(file: Path, *without: str, more: str = "") -> Path:
    rows = [row for post, row in ROWS.items() if post not in without]
    file.write_text("".join([HEADER, *rows, more]))
    return file


def test_scores_beside_the_lists_or_named_travel_into_the_store(tmp_path: Path) -> None:
    source = t4sa(tmp_path / "source", LINES)
    named = scores(tmp_path / "others.tsv", more="77\t1\t0\t0\n")  # of a post that is not listed
    words = ("t4sa", "--source", source, "--data-dir", tmp_path)
    succeed("scripts/prepare_data.py", *words, "--name", "named", "--scores", named)
    scores(source / "scores.tsv")
    said = succeed("scripts/prepare_data.py", *words, "--name", "beside")
    assert "the largest is the listed label's for 4 of 14 photos" in said
    succeed("scripts/verify_data.py", "beside", "--data-dir", tmp_path)
    for name in ("named", "beside"):
        split = Dataset(tmp_path, name).split("train")
        assert split.shares is not None and split.shares.dtype == np.float32
        of_photo = dict(zip(split.paths.tolist(), split.shares, strict=True))
        expected = np.array([[0, 0.2, 0.3], [0.5, 0.2, 0.3]]) / [[0.5], [1.0]]
        np.testing.assert_array_equal(of_photo["data/0.jpg"], expected[0].astype(np.float32))
        np.testing.assert_array_equal(of_photo["data/5.jpg"], expected[1].astype(np.float32))
        assert dict(zip(split.paths.tolist(), split.labels.tolist(), strict=True)) == {
            "data/0.jpg": 0, "data/5.jpg": 2
        }  # fmt: skip


def test_several_photos_of_a_post_have_its_probabilities(tmp_path: Path) -> None:
    source = t4sa(tmp_path / "source", ["data/7/758-1.jpg 0", "data/7/758-2.jpg 0"])
    scores(source / "scores.tsv", more="758\t8\t1\t1\n")
    photos = readers.read(Origin("t4sa", source, 1)).splits["train"]
    assert [photo.shares for photo in photos] == [tuple(np.float32([0.8, 0.1, 0.1]).tolist())] * 2


BAD = {
    "a post is missing": ((*"25",), "", "no row for 5 of 14 photos, such as data/5.jpg (TWID 5)"),
    "no number": (("3",), "3\ta\t0\t0\n", "scores.tsv:7: 'a' in column NEG; expected a number"),
    "below 0": (("3",), "3\t-1\t1\t1\n", "scores.tsv:7: probabilities -1.0, 1.0, 1.0; expected"),
    "not finite": (("3",), "3\tnan\t1\t1\n", "scores.tsv:7: probabilities nan, 1.0, 1.0; expected"),
    "twice": ((), "3\t0.9\t0\t0.1\n", "scores.tsv:8: 3 is there twice, with other probabilities"),
}


@pytest.mark.parametrize("name", BAD)
def test_scores_that_cannot_be_joined_are_refused(name: str, tmp_path: Path) -> None:
    without, more, expected = BAD[name]
    source = t4sa(tmp_path / "source", LINES)
    scores(source / "scores.tsv", *without, more=more)
    with pytest.raises(UserError) as refused:
        readers.read(Origin("t4sa", source, 1))
    assert expected in str(refused.value)


def test_scores_are_for_data_in_the_form_of_b_t4sa(tmp_path: Path) -> None:
    words = ("--source", tmp_path, "--scores", scores(tmp_path / "a.tsv"), "--data-dir", tmp_path)
    line = refusal("scripts/prepare_data.py", "folders", *words)
    assert "--scores" in line and "is for t4sa, not for folders" in line
    origin = Origin("t4sa", tmp_path, 1, Reading(scores=Path("a.tsv")))
    assert Origin.of(origin.manifest_entries) == origin
