"""Every kind of collection, in its own layout, prepared from real photos."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers import collection_layouts
from helpers.collection_layouts import EACH, EMOTIONS, SENTIMENTS
from helpers.scripts import refusal, succeed
from PIL import Image

from sentiment.data.collections import readers
from sentiment.data.dataset import Dataset
from sentiment.data.decode import decode_file

pytestmark = pytest.mark.xdist_group("collections")

PREPARE, VERIFY = "scripts/prepare_data.py", "scripts/verify_data.py"

CLASSES = {
    "ttd": {"negative": EACH, "positive": EACH},
    "emoset": {name: 5 if place < 4 else 4 for place, name in enumerate(EMOTIONS)},
    "emotion6": {"sadness": EACH, "neutral": EACH, "joy": EACH},
    "mvsa": {"negative": EACH, "neutral": EACH - 1, "positive": EACH - 1},
}
"""Photos of each class, where they are not EACH of each sentiment."""

ROOTS = {"ttd": "Agg_AMT_Candidates", "emotion6": "images"}
"""Folders that paths are relative to, where it is not the collection's."""

WITH_SHARES = {"table", "ttd", "emotion6"}


@pytest.fixture(scope="module")
def collections(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a collection of each kind, prepared beside it in `data`."""
    root = tmp_path_factory.mktemp("collections")
    photos = collection_layouts.real_photos(shared)
    for kind in readers.READERS:
        flags = collection_layouts.write(kind, root / kind, photos)
        words = (PREPARE, kind, "--source", root / kind, "--data-dir", root / "data", *flags)
        (root / f"{kind}.log").write_text(succeed(*words))
    return root


def prepared(collections: Path, kind: str) -> Dataset:
    return Dataset(collections / "data", kind)


@pytest.mark.parametrize("kind", readers.READERS)
def test_a_collection_of_each_kind_is_prepared_as_it_is_labelled(kind: str, collections: Path):
    data = prepared(collections, kind)
    counts: Counter = Counter()
    for name in data.manifest["splits"]:
        split = data.split(name)
        counts.update(data.counts(name))
        root = collections / kind / ROOTS.get(kind, "")
        for image, path in zip(split.images[:], split.paths, strict=True):
            assert np.array_equal(image, decode_file(root / path))
        if kind in WITH_SHARES:
            assert split.shares is not None
            assert split.shares.dtype == np.float32
            assert np.array_equal(split.shares.argmax(axis=1), split.labels)
            assert np.allclose(split.shares.sum(axis=1), 1)
        else:
            assert split.shares is None
    assert {name: n for name, n in counts.items() if n} == CLASSES.get(
        kind, dict.fromkeys(SENTIMENTS, EACH)
    )


@pytest.mark.parametrize("kind", readers.READERS)
def test_prepared_data_of_each_kind_are_verified_against_their_lists(kind: str, collections: Path):
    words = (VERIFY, kind, "--source", collections / kind, "--data-dir", collections / "data")
    assert "is whole" in succeed(*words)
    expected = "folders" if kind == "dogs" else kind  # the same layout
    assert readers.kind_of(collections / kind) == expected


def test_a_damaged_column_of_shares_is_repaired(collections: Path) -> None:
    file = collections / "data" / "ttd" / "test" / "shares" / "data" / "__0.blp"
    before = file.read_bytes()
    file.write_bytes(before[:-1] + b"!")
    words = ("ttd", "--source", collections / "ttd", "--data-dir", collections / "data")
    assert "Repaired 1 of 1 files" in succeed(VERIFY, *words, "--repair")
    assert file.read_bytes() == before


def test_what_was_left_out_and_where_labels_come_from_is_said(collections: Path) -> None:
    log = (collections / "mvsa.log").read_text()
    assert "labels: people, 3 a tweet, of text and photo (MVSA)" in log
    assert "2 tweets left out" in log
    assert (
        "people, 5 a photo, their votes in amt_result.csv" in (collections / "ttd.log").read_text()
    )
    log = (collections / "folders.log").read_text()
    assert "no splits: split 80/10/10 by class, seed 1" in log


@pytest.mark.parametrize("side", [96, 299, 384])
def test_the_size_of_the_images_is_the_prepared_datas_own(side: int, collections: Path):
    source, data_dir = collections / "dogs", collections / f"data{side}"
    words = ("dogs", "--source", source, "--data-dir", data_dir)
    succeed(PREPARE, *words, "--size", side)
    data = Dataset(data_dir, "dogs")
    assert data.side == side
    split = data.split("test")
    for image, path in zip(split.images[:], split.paths, strict=True):
        with Image.open(source / path) as photo:
            photo.draft(None, (side * 300 // 224, side * 300 // 224))
            squished = photo.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
        assert np.array_equal(image, np.asarray(squished))
    assert data.fingerprint != prepared(collections, "dogs").fingerprint
    chunk = data.folder / "train" / "images" / "data" / "__0.blp"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:-9] + bytes(9))
    assert "is whole" in succeed(VERIFY, *words, "--repair")
    assert chunk.read_bytes() == whole
    assert f"size {side}; choose another --name" in refusal(PREPARE, *words)
