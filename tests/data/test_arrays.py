"""Stored arrays that are damaged, or laid as a trap: refused when they are opened or read."""

import json
import shutil
from pathlib import Path

import bcolz
import numpy as np
import pytest
from helpers.damage import REMEDY, cut, empty, garble, lose
from helpers.scripts import lacking

from sentiment.base import sha256sums
from sentiment.base.errors import UserError
from sentiment.data import arrays, dataset
from sentiment.data.collections.collection import Photo
from sentiment.data.split import Split, Writer


@pytest.fixture
def small_store(tmp_path):
    """The folder of a split of 20 images."""
    return write(tmp_path / "small" / "train")


def write(folder: Path) -> Path:
    """A split of 20 images, each of its row's number."""
    writer = Writer(folder, 224, 20)
    for row in range(20):
        writer.append(np.full((224, 224, 3), row, np.uint8), Photo(f"data/{row}.jpg", row % 3))
    sha256sums.write(folder.parent, writer.close()[1])
    return folder


def opened(folder: Path) -> Split:
    remedy = dataset.repair_command(folder.parent)
    return Split(sha256sums.read(folder.parent, remedy), folder.name)


def list_anew(folder: Path) -> None:
    """Let SHA256SUMS list what is there now, as who lays a trap would."""
    sha256sums.write(folder.parent, sha256sums.of_others(folder.parent, {}))


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
@pytest.mark.parametrize("column", ["images", "labels", "paths", "agreement", "checksums"])
def test_a_column_of_objects_is_refused_and_nothing_is_unpickled(column, dtype, small_store):
    sprung = small_store / "sprung"
    set_trap(small_store / column, sprung)
    storage = small_store / column / "meta" / "storage"
    storage.write_text(json.dumps(json.loads(storage.read_text()) | {"dtype": dtype}))
    list_anew(small_store)
    with pytest.raises(UserError, match=rf"{column}: damaged \(holds .*\); {REMEDY}"):
        getattr(opened(small_store), column)
    assert not sprung.exists()
    if dtype == "object":
        _ = bcolz.open(str(small_store / column))[:]
        assert sprung.exists()  # so the trap was armed


def test_a_table_in_place_of_a_column_is_not_opened_and_nothing_is_unpickled(small_store):
    labels = opened(small_store).labels
    sprung = small_store / "sprung"
    set_trap(small_store / "labels" / "objects", sprung)
    # bcolz takes a folder with this file for a table of the columns that it names.
    (small_store / "labels" / "__rootdirs__").write_text('{"names": ["objects"]}')
    list_anew(small_store)
    np.testing.assert_array_equal(opened(small_store).labels, labels)
    assert not sprung.exists()


@pytest.mark.parametrize("damage", [lose, empty, garble])
@pytest.mark.parametrize(
    "file", ["labels/meta/storage", "labels/data/__0.blp", "images/meta/sizes"]
)
def test_a_store_with_a_damaged_file_is_refused(file, damage, small_store):
    damage(small_store / file)
    with pytest.raises(UserError, match=rf"{file}: damaged \(.*\); {REMEDY}"):
        _ = opened(small_store).labels


def rows_read(folder: Path) -> np.ndarray:
    """The first pixel of every image, as batches are read."""
    places = [np.empty((224, 224, 3), np.uint8) for _ in range(20)]
    opened(folder).copy(np.arange(20), places)
    return np.array([place[0, 0, 0] for place in places])


def test_a_drive_that_is_gone_is_not_taken_for_damage(small_store):
    if not Path("/proc/self/mem").exists():
        lacking("no file that fails to be read")
    chunk = small_store / "images" / "data" / "__0.blp"
    whole = chunk.rename(chunk.with_name("whole"))
    split = opened(small_store)
    chunk.symlink_to("/proc/self/mem")  # of which nothing can be read at its beginning
    with pytest.raises(UserError, match=r"__0\.blp: Input/output error; is its drive still there"):
        split.copy(np.arange(20), [np.empty((224, 224, 3), np.uint8) for _ in range(20)])
    whole.rename(chunk)
    split.copy(np.arange(20), [np.empty((224, 224, 3), np.uint8) for _ in range(20)])


COMPRESSED = bcolz.cparams(cname="lz4")


@pytest.mark.parametrize("cparams", [arrays.RAW, COMPRESSED], ids=["raw", "lz4"])
def test_plain_and_compressed_chunks_read_alike(cparams, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "RAW", cparams)
    folder = write(tmp_path / "train")
    np.testing.assert_array_equal(rows_read(folder), np.arange(20))
    places = [np.empty((224, 224, 3), np.uint8) for _ in range(4)]
    opened(folder).copy(np.array([2, 3, 15, 17]), places)
    assert [place[9, 9, 1] for place in places] == [2, 3, 15, 17]


@pytest.mark.parametrize("damage", [lose, empty, cut, garble])
def test_a_damaged_chunk_is_named_when_it_is_read(damage, small_store):
    damage(small_store / "images" / "data" / "__0.blp")
    for read in (rows_read, lambda folder: opened(folder).images[:]):
        with pytest.raises(UserError, match=rf"__0\.blp: rows \d+ to 15: damaged .*; {REMEDY}"):
            read(small_store)


@pytest.mark.parametrize("cparams", [arrays.RAW, COMPRESSED], ids=["raw", "lz4"])
@pytest.mark.parametrize(("wrong", "named"), [(range(1, 16), "rows 1 to 15"), ([7], "row 7")])
def test_wrong_rows_are_told_by_their_checksums(cparams, wrong, named, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "RAW", cparams)
    folder = write(tmp_path / "train")
    values = [0 if row in wrong else row for row in range(16)]
    chunk = arrays.write_chunk(
        tmp_path / "chunk", [np.full((224, 224, 3), value, np.uint8) for value in values]
    )
    shutil.copy(chunk, folder / "images" / "data" / "__0.blp")
    with pytest.raises(UserError, match=rf"__0\.blp: {named}: damaged \(not what"):
        rows_read(folder)
