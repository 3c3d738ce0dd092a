"""Prepared data that are of another version or damaged: found, named, repaired."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.damage import REMEDY, cut, empty, garble, lose
from helpers.scripts import refusal, run, start, succeed

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.data import arrays, dataset, prepare_data, verification, verify_data
from sentiment.data.dataset import Dataset
from sentiment.data.records import Records

VERIFY = "scripts/verify_data.py"


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
