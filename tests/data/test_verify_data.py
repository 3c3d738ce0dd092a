"""Prepared data that are of another version, damaged, or laid as a trap: found, named, repaired."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import bcolz
import numpy as np
import pytest
from helpers.scripts import lacking, refusal, run, start, succeed

from sentiment.base import files, sha256sums
from sentiment.base.errors import UserError
from sentiment.data import arrays, dataset, prepare_data, verification, verify_data
from sentiment.data.dataset import Dataset
from sentiment.data.records import Records
from sentiment.data.split import Split, Writer

VERIFY = "scripts/verify_data.py"
REMEDY = r"python scripts/verify_data\.py \S+ --repair"


def test_data_of_another_format_version_are_refused(tmp_path):
    (tmp_path / "t4sa").mkdir()
    (tmp_path / "t4sa" / "manifest.json").write_text('{"format_version": 1}')
    for refused in (Dataset, lambda data_dir, name: verified(data_dir / name)):
        with pytest.raises(UserError, match=r"store format 1; this version reads 2.*--overwrite"):
            refused(tmp_path, "t4sa")


@pytest.mark.parametrize("text", ["", '{"format', "[]", "null", "{}", '{"format_version": 2}'])
def test_a_damaged_manifest_is_refused(text, tmp_path):
    (tmp_path / "t4sa").mkdir()
    (tmp_path / "t4sa" / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=rf"manifest\.json: damaged .*; {REMEDY}"):
        Dataset(tmp_path, "t4sa")


@pytest.fixture
def small_store(tmp_path):
    """The folder of a split of 20 images."""
    return write(tmp_path / "small" / "train")


def write(folder: Path) -> Path:
    """A split of 20 images, each of its row's number."""
    writer = Writer(folder, 20)
    for row in range(20):
        writer.append(np.full((224, 224, 3), row, np.uint8), row % 3, f"data/{row}.jpg", 0)
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


@pytest.mark.parametrize("name", ["../small/train/__attrs__", "/etc/passwd", "a/../../b", "a\\b"])
def test_a_name_that_leads_outside_is_refused(name, small_store):
    listed = small_store.parent / sha256sums.FILE
    listed.write_text(listed.read_text() + f"{'0' * 64}  {name}\n")
    with pytest.raises(
        UserError, match=r"SHA256SUMS:\d+: damaged \(expected .* file of the folder"
    ):
        opened(small_store)


def lose(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def garble(file: Path) -> None:
    file.write_bytes(b"x" * len(file.read_bytes()))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1_000_000])


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


@pytest.fixture(scope="module")
def pristine(noise: Path, tmp_path_factory) -> Path:
    """The photos of noise prepared, in the folder `noise`."""
    work = tmp_path_factory.mktemp("pristine")
    prepare_data.prepare(
        prepare_data.Options("dogs", noise, "noise", max_bad_percent=10, data_dir=work, workers=1)
    )
    return work


@pytest.fixture
def data(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the prepared data, to damage."""
    shutil.copytree(pristine / "noise", tmp_path / "noise")
    return tmp_path / "noise"


def verified(folder: Path, **flags: object) -> bool:
    return verify_data.verify(verify_data.Options(folder.name, data_dir=folder.parent, **flags))


def content(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def read_all(folder: Path, *splits: str) -> None:
    """Read everything in splits, by default all, as training and predicting do."""
    prepared = Dataset(folder.parent, folder.name)
    for name in splits or prepared.manifest["splits"]:
        split = prepared.split(name)
        split.copy(np.arange(len(split)), list(np.empty(split.shape, np.uint8)))
        _ = split.labels, split.paths, split.agreement


def test_whole_data_are_found_whole_and_images_in_two_splits_are_named(data, caplog):
    assert succeed(VERIFY, "noise", "--data-dir", data.parent).splitlines() == [
        f"Checking {data}, {len(content(data)) - 1} files",
        "  1 images stand in train and in test, pixel for pixel:",
        "    train train/boxer/03.png = test test/akita/09.png",
        f"{data} is whole: 69 images",
    ]
    read_all(data)
    check = start("bash", "-c", "cd $0; sha256sum --check --quiet SHA256SUMS", data)
    assert (check.returncode, check.stdout) == (0, "")


@pytest.mark.slow
def test_every_flipped_bit_is_found_and_what_is_read_is_refused(data):
    seed = int(np.random.default_rng().integers(2**32))
    print("seed", seed)
    random = np.random.default_rng(seed)
    before = content(data)
    names = sorted(before)
    # By turns in all of the data, most of which are pixels, and in any file.
    sizes = np.array([len(before[name]) for name in names], float)
    for number in range(200):
        name = names[random.choice(len(names), p=sizes / sizes.sum() if number % 2 else None)]
        damaged = bytearray(before[name])
        place = int(random.integers(len(damaged)))
        damaged[place] ^= 1 << int(random.integers(8))
        (data / name).write_bytes(damaged)
        assert list(verification.check(Records(data))) == [name], (name, place)
        header = "/images/data/" in name and place < arrays.HEADER
        if not header and name not in (dataset.COPY,) and not name.endswith("images/__attrs__"):
            with pytest.raises(UserError, match="damaged"):
                read_all(data, *name.split("/")[:-1][:1])
        (data / name).write_bytes(before[name])


def test_a_damaged_chunk_without_which_a_split_does_not_open_is_named_once(data):
    name = "validation/images/data/__0.blp"  # of 6 images, so it is the last one and not full
    garble(data / name)
    assert list(verification.check(Records(data))) == [name]


def swap(folder: Path) -> set[str]:
    names = [f"train/images/data/__{chunk}.blp" for chunk in (0, 1)]
    one, other = (folder / name for name in names)
    one.rename(folder / "aside")
    other.rename(one)
    (folder / "aside").rename(other)
    return set(names)


def one_file(name: str, damage: Callable[[Path], None]) -> Callable[[Path], set[str]]:
    def damaged(folder: Path) -> set[str]:
        damage(folder / name)
        return {name}

    return damaged


def many(folder: Path) -> set[str]:
    before = set(content(folder))
    for part in ("train/checksums", "train/paths", "test/images", "validation"):
        shutil.rmtree(folder / part)
    (folder / "manifest.json").unlink()
    return before - set(content(folder))


DAMAGE = {
    "a chunk is missing": one_file("train/images/data/__1.blp", lose),
    "a chunk is cut": one_file("train/images/data/__2.blp", cut),
    "two chunks are swapped": swap,
    "a column is garbled": one_file("train/labels/data/__0.blp", garble),
    "the checksums are lost": one_file("test/checksums/data/__0.blp", lose),
    "what bcolz keeps is empty": one_file("train/images/meta/sizes", empty),
    "the manifest is garbled": one_file("manifest.json", garble),
    "its copy is lost": one_file("manifest_copy.json", lose),
    "SHA256SUMS is lost": one_file("SHA256SUMS", lose),
    "SHA256SUMS is garbled": one_file("SHA256SUMS", garble),
    "much is lost": many,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_named_and_repair_brings_back_the_very_bytes(kind, data, pristine, caplog):
    caplog.set_level("INFO")
    names = DAMAGE[kind](data)
    assert not verified(data)
    said = [line.partition(":")[0].strip() for line in caplog.messages]
    assert set(said) >= set(sorted(names)[: verify_data.SHOWN])
    assert f"python scripts/verify_data.py {data.name} --repair" in caplog.text
    assert verified(data, repair=True)
    assert content(data) == content(pristine / "noise")
    assert {path.name for path in data.glob(".*")} == set()


def test_repair_refuses_photos_that_have_changed(data, noise, tmp_path, caplog):
    caplog.set_level("INFO")
    photos = shutil.copytree(noise, tmp_path / "photos")
    shutil.copy(photos / "test/boxer/00.png", photos / "test/boxer/01.png")
    before = content(data)
    assert not verified(data, source=photos)
    assert (
        "test, decoded again: 1 of 7 photos have other pixels, such as test/boxer/01" in caplog.text
    )
    lose(data / "test/images/data/__0.blp")
    assert not verified(data, source=photos, repair=True)
    assert "decode to other pixels (prepared with Pillow" in caplog.text
    (photos / "test/boxer/02.png").unlink()
    with pytest.raises(UserError, match="lists 6 photos for test, 7 were stored"):
        verified(data, source=photos, repair=True)
    del before["test/images/data/__0.blp"]
    assert content(data) == before


def test_what_is_too_many_or_a_link_is_named_and_nothing_is_written_through_it(
    data, tmp_path, caplog
):
    caplog.set_level("INFO")
    (data / "notes.txt").touch()
    shutil.move(data / "test", tmp_path / "elsewhere")
    (data / "test").symlink_to(tmp_path / "elsewhere")
    lose(tmp_path / "elsewhere" / "images" / "data" / "__0.blp")
    assert not verified(data, repair=True)
    assert "notes.txt: too many" in caplog.text
    assert not (tmp_path / "elsewhere" / "images" / "data" / "__0.blp").exists()


def test_the_command_says_how_it_went_by_its_status(data):
    where = ["noise", "--data-dir", data.parent]
    lose(data / "test/images/data/__0.blp")
    done = run(VERIFY, *where)
    assert done.returncode == 1
    assert "test/images/data/__0.blp: missing\n" in done.stdout
    with files.locked(data):
        assert f"{data}: process" in refusal(VERIFY, *where, "--repair")
    assert "Repaired 1 of 1 files" in succeed(VERIFY, *where, "--repair")
    assert "no prepared data" in refusal(VERIFY, "other", "--data-dir", data.parent)
