"""Files and folders that appear whole or not at all, locks, and room on the disk."""

import shutil
from pathlib import Path

import pytest
from helpers.scripts import files_of
from helpers.stopped_preparation import options
from helpers.stopping import stopped

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.data import prepare_data


@pytest.mark.usefixtures("small_blocks")
def test_a_stop_between_the_renames_of_replaced_data_loses_neither(
    noise, undisturbed, tmp_path, monkeypatch
):
    shutil.copytree(undisturbed / "noise", tmp_path / "noise")
    for after in range(2):  # the first renames what was there, the second what is new
        anew = options(noise, tmp_path, overwrite=True)
        with stopped(monkeypatch, Path, "rename", after):
            prepare_data.prepare(anew)
        prepare_data.prepare(anew)
        assert files_of(tmp_path) == files_of(undisturbed)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file.txt"
    with files.whole_file(file) as temporary:
        temporary.write_text("whole")
        assert not file.exists()
    with pytest.raises(KeyError), files.whole_file(file) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert file.read_text() == "whole"
    assert [path.name for path in file.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("keep", [True, False])
def test_a_folder_appears_whole_and_an_unfinished_one_is_kept_if_asked_to(
    keep: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    for name in ("first", "second"):
        with files.whole_folder(folder) as temporary:
            (temporary / name).touch()
    assert [path.name for path in folder.iterdir()] == ["second"]
    with pytest.raises(KeyError), files.whole_folder(folder, keep) as temporary:
        (temporary / "third").touch()
        raise KeyError
    assert [path.name for path in folder.iterdir()] == ["second"]
    assert files.partial(folder).exists() == keep
    with files.whole_folder(folder, keep) as temporary:
        assert [path.name for path in temporary.iterdir()] == ["third"] * keep
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_an_error_that_names_no_file_gets_the_name(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk") as caught, files.whole_file(tmp_path / "file"):
        raise OSError(28, "disk is full")
    assert caught.value.filename == str(files.partial(tmp_path / "file"))


def test_a_lock_is_one_process_s_and_says_whose(tmp_path: Path) -> None:
    file = tmp_path / "file"
    refused = pytest.raises(UserError, match=r"file: process \d+ on .* is training it; wait")
    with files.locked(file, "training"), refused, files.locked(file):
        pass
    with files.locked(file):
        pass


def test_room_that_is_too_small_is_refused_with_both_numbers(tmp_path: Path) -> None:
    free = files.check_room(tmp_path, 0, "the images")
    assert free > 0
    with pytest.raises(UserError, match=r"GB free, the images need 1,000,000\.00; make room"):
        files.check_room(tmp_path, 10**15, "the images")


def test_size_counts_all_files_below(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(bytes(7))
    (tmp_path / "file").write_bytes(bytes(5))
    assert files.size(tmp_path) == 12
    assert files.size(tmp_path / "file") == 5
    assert files.size(tmp_path / "nothing") == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_json_that_is_no_object_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    files.write_json(file, {"a": [1, "b"]})
    assert files.read_json(file) == {"a": [1, "b"]}
    file.write_text(text)
    with pytest.raises(UserError, match=r"file\.json: damaged"):
        files.read_json(file)
