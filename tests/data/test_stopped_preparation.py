"""Preparation, features and predictions that were stopped: the same command goes on there."""

import dataclasses
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.scripts import ROOT, SRC, files_of, refusal, succeed
from helpers.small_network import SMALL
from helpers.stopped_preparation import options, stopped

from sentiment.base import files, journal
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data import arrays, decoding, prepare_data, split
from sentiment.data.dataset import Dataset
from sentiment.inference import predict
from sentiment.model import build, model_file
from sentiment.model.build import build_model
from sentiment.model.recipe import Recipe
from sentiment.runs.run_files import TrainingData
from sentiment.training import feature_extraction

PREPARE = "scripts/prepare_data.py"


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predict in blocks of 16 images."""
    monkeypatch.setattr("sentiment.engine.batches.BLOCK", 16)


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
def slowly(path):
    time.sleep(0.1)
    return decode_file(path)
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


@pytest.fixture
def data(undisturbed: Path, tmp_path: Path) -> Dataset:
    shutil.copytree(undisturbed / "noise", tmp_path / "noise")
    return Dataset(tmp_path, "noise")


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks", "small_batches")
def test_features_stopped_anywhere_go_on_to_the_same_bytes(data, monkeypatch, caplog):
    caplog.set_level("INFO")
    keras.utils.set_random_seed(1)
    recipe = Recipe(layers="fc", weights="none")
    network = build_model(SMALL, recipe, 2)
    rows = np.arange(55)

    def compute(batch_size: int = 8):
        frozen = build.without_head(network)
        return feature_extraction.features(frozen, SMALL, recipe, data, "train", rows, batch_size)

    folder = compute().array.folder.parent
    expected = files_of(folder)
    for what, name, after in (
        (keras.Model, "predict", 1), (journal.Journal, "add", 0), (journal.Journal, "add", 1),
        (arrays, "write", 0), (files, "write_json", 0),
    ):  # fmt: skip
        shutil.rmtree(folder)
        with stopped(monkeypatch, what, name, after):
            compute()
        assert not folder.exists()
        caplog.clear()
        compute()
        assert files_of(folder) == expected
        assert ("goes on after" in caplog.text) == ((name, after) != ("add", 0))
    shutil.rmtree(folder)
    with stopped(monkeypatch, keras.Model, "predict", 1):
        compute()
    listed = succeed("scripts/features.py", "list", "--data-dir", data.folder.parent)
    assert f"{folder.name} (unfinished)" in listed
    compute(batch_size=4)
    assert "starts anew: unfinished features are there with batch size 8; this one" in caplog.text
    assert not list(folder.parent.glob(".partial-*"))
    with files.locked(folder):
        shutil.rmtree(folder)
        with pytest.raises(UserError, match="is writing it"):
            compute()


@pytest.mark.usefixtures("small_blocks", "small_batches")
def test_a_prediction_stopped_goes_on_and_a_finished_one_is_not_repeated(
    data, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO")
    monkeypatch.setattr(predict.backend, "start", lambda *args, **more: None)
    keras.utils.set_random_seed(1)
    recipe = Recipe(layers="fc", weights="none")
    network = build_model(SMALL, recipe, 2)
    card = {
        "dataset": "noise", "data_fingerprint": data.fingerprint, "percent": 100.0,
        "class_names": data.class_names, "recipe": dataclasses.asdict(recipe), "status": "finished",
    }  # fmt: skip
    saved = tmp_path / "models" / "noise" / "fc_layers_mobilenet.keras"
    model_file.save(network, saved, card)
    result = saved.with_name("fc_layers_mobilenet_result.npz")
    notes = result.with_name(f".{result.name}.journal")
    monkeypatch.setattr(predict, "SPLIT", "train")  # of 40 images; test has 7
    mobilenet = dataclasses.replace(SMALL, name="mobilenet")

    def predicted(**flags: object) -> bytes:
        caplog.clear()
        folders = Folders(tmp_path, tmp_path / "logs", tmp_path / "models")
        options = predict.Options(TrainingData("noise"), batch_size=8, folders=folders, **flags)
        predict.predict(mobilenet, "fc", options)
        return result.read_bytes()

    expected = predicted()
    for what, name, after in (
        (journal.Journal, "add", 1), (np, "savez", 0)
    ):  # fmt: skip
        result.unlink()
        with stopped(monkeypatch, what, name, after):
            predicted()
        assert not result.exists()
        assert predicted() == expected
        assert "goes on after" in caplog.text, name
        assert not notes.exists()

    monkeypatch.setattr(predict.model_file, "load", None)  # not needed
    assert predicted() == expected
    assert f"{result} was there, of this very model and data" in caplog.text
    assert "accuracy" in caplog.text
