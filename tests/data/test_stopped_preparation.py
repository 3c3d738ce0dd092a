"""Preparation that was stopped: the same command goes on there."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.scripts import ROOT, SRC, files_of, refusal, succeed
from helpers.stopped_preparation import options
from helpers.stopping import stopped

from sentiment.base import files, journal
from sentiment.base.errors import UserError
from sentiment.data import arrays, decoding, prepare_data, split
from sentiment.data.dataset import Dataset

PREPARE = "scripts/prepare_data.py"


STOPS = [
    *((decoding, "decode_files", after) for after in range(0, 8, 2)),
    *((journal.Journal, "add", after) for after in range(3)),
    *((arrays.Appender, "settle", after) for after in range(0, 8, 2)),
    *((split, "write_columns", after) for after in range(3)),
    (journal.Journal, "rewind", 0),
    *((files, "write_json", after) for after in range(2)),
    (shutil, "rmtree", 0),
]
"""What is called for the last time before a kill."""


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
def test_preparation_stopped_anywhere_goes_on_to_the_same_bytes(
    noise, undisturbed, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO")
    expected = files_of(undisturbed)
    for what, name, after in STOPS:
        with stopped(monkeypatch, what, name, after):
            prepare_data.prepare(options(noise, tmp_path))
        assert not (tmp_path / "noise").exists()
        prepare_data.prepare(options(noise, tmp_path))
        assert files_of(tmp_path) == expected, (name, after)
        # Nothing is noted of the first block, which has a bad photo and so no whole chunk.
        first = (name, after) in [
            ("decode_files", 0), ("decode_files", 2), ("add", 0), ("settle", 0), ("rewind", 0)
        ]  # fmt: skip
        assert ("goes on after" in caplog.text) != first, (name, after)
        caplog.clear()
        Dataset(tmp_path, "noise")
        shutil.rmtree(tmp_path / "noise")
    with stopped(monkeypatch, journal.Journal, "add", 1):  # and more than once
        prepare_data.prepare(options(noise, tmp_path))
    with stopped(monkeypatch, journal.Journal, "add", 1):
        prepare_data.prepare(options(noise, tmp_path))
    prepare_data.prepare(options(noise, tmp_path))
    assert re.findall(r"goes on after (\d+) of 70 photos", caplog.text) == ["17", "33"]
    assert files_of(tmp_path) == expected


@pytest.mark.usefixtures("small_blocks")
def test_another_plan_is_refused_with_its_difference_and_overwrite_starts_anew(
    noise, undisturbed, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO")
    with stopped(monkeypatch, journal.Journal, "add", 2):
        prepare_data.prepare(options(noise, tmp_path, seed=2))
    unfinished = files_of(tmp_path / ".partial-noise")
    with pytest.raises(UserError, match=r"an unfinished preparation with seed 2; this one has "
                       r"seed 1; finish it, or --overwrite starts anew"):  # fmt: skip
        prepare_data.prepare(options(noise, tmp_path))
    assert files_of(tmp_path / ".partial-noise") == unfinished
    prepare_data.prepare(options(noise, tmp_path, overwrite=True))
    assert "goes on" not in caplog.text
    assert files_of(tmp_path) == files_of(undisturbed)


@pytest.mark.usefixtures("small_blocks")
def test_photos_mended_meanwhile_are_taken_as_if_nothing_had_happened(noise, tmp_path, caplog):
    """Also: after too many bad photos it goes on, and a higher limit is no other plan."""
    caplog.set_level("INFO")
    away = shutil.copytree(noise, tmp_path / "photos")
    expected = tmp_path / "expected"
    prepare_data.prepare(options(away, expected))
    missing = [away / "train" / "boxer" / f"{number:02}.png" for number in range(6)]
    for photo in missing:
        photo.rename(photo.with_suffix(".away"))
    listed = {photo: photo.with_suffix(".away") for photo in missing}
    for photo, aside in listed.items():  # listed, and not there
        photo.symlink_to("nowhere")
        aside.rename(tmp_path / aside.name)
    with pytest.raises(UserError, match="photos are bad, over the 10 % allowed"):
        prepare_data.prepare(options(away, tmp_path / "data"))
    for photo, aside in listed.items():
        photo.unlink()
        (tmp_path / aside.name).rename(photo)
    prepare_data.prepare(options(away, tmp_path / "data", max_bad_percent=20.0))
    assert files_of(tmp_path / "data") == files_of(expected)


DRIVER = """
import time
from sentiment.base import journal
from sentiment.data import decoding, preparation, prepare_data
preparation.BLOCK, decoding.TASK, journal.SECONDS = 16, 1, 0
decode_file = decoding.decode_file
def slowly(path, side):
    time.sleep(0.1)
    return decode_file(path, side)
decoding.decode_file = slowly
prepare_data.main()
"""
"""Prepares slowly, noting much."""


def driver(*words: object) -> subprocess.Popen:
    command = [sys.executable, "-c", DRIVER, *map(str, words)]
    return subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(SRC)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for_lines(file: Path, count: int) -> None:
    """Wait until a journal has so many lines."""
    deadline = time.monotonic() + 60
    while not file.exists() or len(file.read_bytes().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_a_killed_process_is_gone_on_from_and_two_at_once_do_not_mix(noise, undisturbed, tmp_path):
    words = ["dogs", "--source", noise, "--name", "noise", "--data-dir", tmp_path]
    words += ["--max-bad-percent", 10, "--workers", 1]
    notes = tmp_path / ".partial-noise" / journal.FILE
    for number, (end, code) in enumerate({signal.SIGKILL: -9, signal.SIGTERM: 143}.items(), 1):
        with driver(*words) as process:
            wait_for_lines(notes, 1 + number)
            if end == signal.SIGTERM:
                process.send_signal(signal.SIGSTOP)  # until the other one has come
                line = refusal(PREPARE, *words)
                process.send_signal(signal.SIGCONT)
                assert f"{tmp_path / 'noise'}: process {process.pid} on " in line
                assert "is writing it; wait for it, or end it" in line
            process.send_signal(end)
            assert process.wait(30) == code, process.stderr.read()
        assert not (tmp_path / "noise").exists()
    assert re.search(r"  goes on after \d+ of 70 photos\n", succeed(PREPARE, *words))
    assert files_of(tmp_path) == files_of(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [1, 1000, 2300])
def test_a_file_that_cannot_be_written_ends_in_one_line_and_nothing_damaged(
    kilobytes, noise, undisturbed, tmp_path
):
    """The limits let the journal fail, the first chunk, and a later one (they hold 2.4 MB)."""
    words = ["dogs", "--source", noise, "--name", "noise", "--data-dir", tmp_path]
    words += ["--max-bad-percent", 10, "--workers", 1]

    limit = (kilobytes * 1000, resource.RLIM_INFINITY)
    done = subprocess.run(
        [sys.executable, str(ROOT / PREPARE), *map(str, words)], capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit), check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error: {tmp_path}/.partial-noise")
    assert done.stderr.endswith("File too large; allow larger files\n")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "noise").exists()
    succeed(PREPARE, *words)
    assert files_of(tmp_path) == files_of(undisturbed)
