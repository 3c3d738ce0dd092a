"""Prepared data that are of another version, damaged, or laid as a trap."""

import json
import shutil
from pathlib import Path

import bcolz
import numpy as np
import pytest

from sentiment import store
from sentiment.dataset import Dataset
from sentiment.errors import UserError
from sentiment.store import Split, Writer


def test_data_of_another_format_version_are_refused(tmp_path):
    (tmp_path / "t4sa").mkdir()
    (tmp_path / "t4sa" / "manifest.json").write_text('{"format_version": 2}')
    with pytest.raises(UserError, match=r"store format 2; this version reads 1.*--overwrite"):
        Dataset(tmp_path, "t4sa")


@pytest.mark.parametrize("text", ["", '{"format', "[]", "null", "{}", '{"format_version": 1}'])
def test_a_damaged_manifest_is_refused(text, tmp_path):
    (tmp_path / "t4sa").mkdir()
    (tmp_path / "t4sa" / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json: damaged .*: prepare the data again"):
        Dataset(tmp_path, "t4sa")


@pytest.fixture
def small_store(tmp_path):
    """The folder of a split of 20 images."""
    return write(tmp_path / "train")


def write(folder: Path) -> Path:
    """A split of 20 images, each of its row's number."""
    writer = Writer(folder, 20)
    for row in range(20):
        writer.append(np.full((224, 224, 3), row, np.uint8), row % 3, f"data/{row}.jpg", 0)
    writer.close()
    return folder


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def set_trap(column: Path, sprung: Path) -> None:
    """Replace a column by one of pickled objects."""
    shutil.rmtree(column, ignore_errors=True)
    traps = np.array([Trap(sprung) for _ in range(20)], object)
    bcolz.carray(traps, rootdir=str(column)).flush()


@pytest.mark.parametrize("dtype", ["object", "O", "|O", "(2,)O"])
@pytest.mark.parametrize("column", ["images", "labels", "paths", "agreement"])
def test_a_column_of_objects_is_refused_and_nothing_is_unpickled(column, dtype, small_store):
    sprung = small_store / "sprung"
    set_trap(small_store / column, sprung)
    storage = small_store / column / "meta" / "storage"
    storage.write_text(json.dumps(json.loads(storage.read_text()) | {"dtype": dtype}))
    with pytest.raises(UserError, match=rf"{column}: damaged \(holds .*\); prepare the data again"):
        getattr(Split(small_store), column)
    assert not sprung.exists()
    if dtype == "object":
        _ = bcolz.open(str(small_store / column))[:]
        assert sprung.exists()  # so the trap was armed


def test_a_table_in_place_of_a_column_is_not_opened_and_nothing_is_unpickled(small_store):
    labels = Split(small_store).labels
    sprung = small_store / "sprung"
    set_trap(small_store / "labels" / "objects", sprung)
    # bcolz takes a folder with this file for a table of the columns that it names.
    (small_store / "labels" / "__rootdirs__").write_text('{"names": ["objects"]}')
    np.testing.assert_array_equal(Split(small_store).labels, labels)
    assert not sprung.exists()


def lose(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [lose, empty])
@pytest.mark.parametrize(
    "file", ["labels/meta/storage", "labels/data/__0.blp", "images/meta/sizes"]
)
def test_a_store_with_a_damaged_file_is_refused(file, damage, small_store):
    damage(small_store / file)
    with pytest.raises(UserError, match=r"damaged \(.*\); prepare the data again"):
        Split(small_store)


def rows_read(folder: Path) -> np.ndarray:
    """The first pixel of every image, as batches are read."""
    places = [np.empty((224, 224, 3), np.uint8) for _ in range(20)]
    Split(folder).copy(np.arange(20), places)
    return np.array([place[0, 0, 0] for place in places])


@pytest.mark.parametrize("cparams", [store.RAW, bcolz.cparams(cname="lz4")], ids=["raw", "lz4"])
def test_plain_and_compressed_chunks_read_alike(cparams, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "RAW", cparams)
    folder = write(tmp_path / "train")
    np.testing.assert_array_equal(rows_read(folder), np.arange(20))
    places = [np.empty((224, 224, 3), np.uint8) for _ in range(4)]
    Split(folder).copy(np.array([2, 3, 15, 17]), places)
    assert [place[9, 9, 1] for place in places] == [2, 3, 15, 17]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1_000_000])


def garble(file: Path) -> None:
    file.write_bytes(b"x" * len(file.read_bytes()))


@pytest.mark.parametrize("damage", [lose, empty, cut, garble])
def test_a_damaged_chunk_is_named_when_it_is_read(damage, small_store):
    damage(small_store / "images" / "data" / "__0.blp")
    with pytest.raises(UserError, match=r"images: rows 0 to 15 are damaged .*prepare the data"):
        rows_read(small_store)
