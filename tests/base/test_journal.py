"""Journals of long work: what they note, where they end, and which plan they are of."""

from pathlib import Path

import pytest
from helpers.scripts import files_of
from helpers.stopped_preparation import options
from helpers.stopping import stopped

from sentiment.base import journal
from sentiment.base.journal import Journal
from sentiment.data import prepare_data

PLAN = {"kind": "dogs", "seed": 1}


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("torn", [True, False])
def test_a_torn_or_damaged_journal_counts_to_its_last_whole_line(
    torn, noise, undisturbed, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO")
    with stopped(monkeypatch, journal.Journal, "add", 2):
        prepare_data.prepare(options(noise, tmp_path))
    file = tmp_path / ".partial-noise" / journal.FILE
    text = file.read_text()
    assert text.count("\n") == 3
    file.write_text(text[:-9] if torn else text[:-9] + "7" + text[-8:])
    prepare_data.prepare(options(noise, tmp_path))
    assert "goes on after 17 of 70 photos" in caplog.text
    assert files_of(tmp_path) == files_of(undisturbed)


def test_blocks_are_there_again_in_the_order_they_were_noted(tmp_path: Path) -> None:
    first = Journal(tmp_path / "journal", PLAN)
    assert first.blocks == []
    for number in range(3):
        first.add({"block": number})
    again = Journal(tmp_path / "journal", PLAN)
    assert [block["block"] for block in again.blocks] == [0, 1, 2]
    assert again.seconds >= sum(block["seconds"] for block in again.blocks)
    again.rewind(1)
    again.add({"block": "other"})
    blocks = Journal(tmp_path / "journal", PLAN).blocks
    assert [block["block"] for block in blocks] == [0, "other"]


@pytest.mark.parametrize("line", range(3))
def test_a_flipped_bit_ends_the_journal_before_its_line(line: int, tmp_path: Path) -> None:
    file = tmp_path / "journal"
    noted = Journal(file, PLAN)
    for number in range(2):
        noted.add({"block": number})
    lines = file.read_bytes().splitlines(keepends=True)
    for place in range(len(lines[line]) - 1):
        damaged = bytearray(lines[line])
        damaged[place] ^= 1
        file.write_bytes(b"".join([*lines[:line], damaged, *lines[line + 1 :]]))
        blocks = Journal(file, PLAN).blocks
        assert [block["block"] for block in blocks] == list(range(line - 1))


def test_another_plan_is_told_in_words_and_nothing_is_changed_until_rewind(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    Journal(file, PLAN).add({"block": 0})
    before = file.read_bytes()
    other = Journal(file, PLAN | {"seed": 2, "batch_size": 8})
    words = "seed 1, batch size None; this one has seed 2, batch size 8"
    assert other.difference == words
    assert file.read_bytes() == before
    other.rewind(0)
    assert Journal(file, PLAN | {"seed": 2, "batch_size": 8}).blocks == []
    assert Journal(file, PLAN).difference.endswith("this one has seed 1, batch size None")


def test_a_block_is_due_once_its_seconds_have_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = Journal(tmp_path / "journal", PLAN)
    assert not noted.due
    monkeypatch.setattr(journal, "SECONDS", 0)
    assert noted.due


def test_a_folder_is_gone_on_with_and_another_plans_is_cleared(tmp_path: Path) -> None:
    folder, differences = tmp_path / "folder", []
    with (
        pytest.raises(KeyError),
        journal.folder(folder, PLAN, differences.append) as (temporary, done),
    ):
        (temporary / "block").touch()
        done.add({"block": 0})
        raise KeyError
    with (
        pytest.raises(KeyError),
        journal.folder(folder, PLAN, differences.append) as (temporary, done),
    ):
        assert (temporary / "block").exists()
        assert len(done.blocks) == 1
        raise KeyError
    assert differences == []
    with journal.folder(folder, PLAN | {"seed": 2}, differences.append) as (temporary, done):
        assert [path.name for path in temporary.iterdir()] == [journal.FILE]
        assert done.blocks == []
        (temporary / "content").touch()
    assert differences == ["seed 1; this one has seed 2"]
    assert [path.name for path in folder.iterdir()] == ["content"]
