"""A training script's work, on one process and on several in step."""

import dataclasses
import itertools
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import in_step, small_checkout, stopping

from sentiment.base import files, provenance
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.engine.cluster import Cluster
from sentiment.experiments import steps
from sentiment.model import model_file
from sentiment.model.recipe import Recipe
from sentiment.runs import manifest_file, training_plan
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training
from sentiment.training import train
from sentiment.training.checkpoint import Checkpoint
from sentiment.training.pace import Pace, _Steps


@pytest.fixture
def folders(drawn_data: Path, tmp_path: Path) -> Folders:
    """With the drawn data, whose features have not been computed."""
    shutil.copytree(drawn_data / "drawn", tmp_path / "data" / "drawn",
                    ignore=shutil.ignore_patterns("features"))  # fmt: skip
    return Folders(tmp_path / "data", tmp_path / "logs", tmp_path / "models")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layers", "before_epochs", "asked"),
    [
        # Features of two splits: are they there, where did they stop, are they stored?
        ("fc", [*["from_first", "from_first", "barrier"] * 2, "from_first"], 1 + 1 + 1),
        ("all", ["from_first"], 3 + 1 + 1),
    ],
)
def test_processes_train_in_step_and_the_first_one_writes(
    layers: str,
    before_epochs: list[str],
    asked: int,
    folders: Folders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the epochs the first one tells whether there is a checkpoint. In each epoch all ask
    whether a signal has come: after batches, TensorFlow's 16 on features, and after the epoch.
    """
    recipe = Recipe(layers=layers, weights="none", epochs=2, batch_size=64)
    written: list[dict[Path, bytes]] = []

    def start(seed: int, *_: object) -> dict:
        keras.utils.set_random_seed(seed)
        return {"backend": keras.backend.backend()}

    def work(number: int) -> None:
        options = train.Options(
            recipe, TrainingData("drawn"), checkpoint_batches=1, folders=folders,
            cluster=Cluster("localhost:1", 2, number),
        )  # fmt: skip
        train.train(small_checkout.architecture(), recipe, options)
        files = [*folders.models_dir.rglob("*"), *folders.logs_dir.rglob("*")]
        written.append({file: file.read_bytes() for file in files if file.is_file()})

    monkeypatch.setattr(train.backend, "start", start)
    called = in_step.as_two_processes(monkeypatch, work)
    assert written[0] == written[1]
    assert f"{layers}_layers_tinynet.keras" in {file.name for file in written[0]}
    in_epochs = ["maximum"] * 2 * asked
    before = ["maximum", "check_equal", "from_first", *before_epochs]
    assert called == [*before, *in_epochs, "barrier"]

    called = in_step.as_two_processes(monkeypatch, work)
    assert called == ["maximum", "check_equal", "from_first", "barrier"]
    assert written[2:] == [written[0]] * 2


@pytest.mark.slow
def test_what_a_later_run_left_is_not_taken_for_the_finished_ones(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A finished run is trained again and stopped; then the command comes without --overwrite."""
    caplog.set_level("INFO")
    monkeypatch.setattr(train.backend, "start", lambda *_: {})
    moments = (f"2026-01-01T00:00:{second:02}+00:00" for second in itertools.count())
    monkeypatch.setattr(provenance, "now", lambda: next(moments))
    recipe = Recipe(layers="all", weights="none", epochs=3, batch_size=64)
    run = Run("tinynet", "all", TrainingData("drawn"), folders)

    def again(overwrite: bool = False, recipe: Recipe = recipe) -> None:
        caplog.clear()
        options = train.Options(recipe, run.data, overwrite=overwrite, folders=folders)
        train.train(small_checkout.architecture(), recipe, options)

    again()
    card = model_file.read_card(run.model)
    files.write_json(run.manifest, card | {"status": "running"})  # as if killed just then
    again()
    assert files.read_json(run.manifest) == card

    with stopping.stopped(monkeypatch, Checkpoint, "_save", after=2):
        again(overwrite=True)
    left = [file.read_bytes() for file in (run.checkpoint, run.manifest, run.model)]
    again()
    assert f"{run.checkpoint} is of a later run, which was stopped; --overwrite" in caplog.text
    assert [f.read_bytes() for f in (run.checkpoint, run.manifest, run.model)] == left

    again(overwrite=True)
    assert "goes on after epoch 2" in caplog.text
    assert files.read_json(run.manifest)["start"] == json.loads(left[1])["start"]
    assert not run.checkpoint.exists()

    with stopping.stopped(monkeypatch, Checkpoint, "_save", after=1):
        again(overwrite=True, recipe=dataclasses.replace(recipe, learning_rate=0.01))
    again()
    assert "was stopped: made with learning_rate 0.01, this run has 0.001" in caplog.text
    assert run.checkpoint.exists()


@pytest.mark.slow
def test_a_training_whose_time_is_over_leaves_a_model_and_goes_on(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It ends as nobody had stopped it, and until then nothing takes its model for finished."""
    caplog.set_level("INFO")
    monkeypatch.setattr(train.backend, "start", lambda *_: keras.utils.set_random_seed(1) or {})
    recipe = Recipe(layers="all", weights="none", epochs=3, batch_size=64)
    run = Run("tinynet", "all", TrainingData("drawn"), folders)

    def again(minutes: float | None = None, folders: Folders = folders, **flags: bool) -> None:
        options = train.Options(recipe, run.data, max_minutes=minutes, folders=folders, **flags)
        train.train(small_checkout.architecture(), recipe, options)

    again(minutes=1e-5)
    assert "before an epoch had ended; there is no model yet; the same command" in caplog.text
    with monkeypatch.context() as patch:
        # After the first epoch one takes as long as the time that is left.
        patch.setattr(Pace, "left", lambda self, epochs: 60.0 * epochs)
        patch.setattr(_Steps, "seconds_each", 3600)
        again(minutes=1)
    assert "Stopped by --max-minutes 1 after epoch 1 of 3; 2 left, at most 0:02:00" in caplog.text
    card = model_file.read_card(run.model)
    assert (card["status"], card["last_epoch"], card["best_epoch"]) == ("stopped", 1, 1)
    manifest = files.read_json(run.manifest)
    assert manifest.pop("last_process_seconds")["saving"] > 0
    assert manifest == card
    data = Dataset(folders.data_dir, "drawn")
    wanted = Training(small_checkout.architecture(), recipe, data, run)
    assert not steps._is_trained(wanted, head_finished=True)
    read = manifest_file.finished_training(run)
    assert read.stopped == "stopped by its time budget after epoch 1 of 3"

    again()
    assert "goes on after epoch 1" in caplog.text
    assert model_file.read_card(run.model)["status"] == "finished"
    assert not run.checkpoint.exists()
    undisturbed = dataclasses.replace(
        folders, logs_dir=folders.logs_dir / "calm", models_dir=folders.models_dir / "calm"
    )
    again(folders=undisturbed)
    calm = dataclasses.replace(run, folders=undisturbed)
    weights, expected = (model_file.load(r.model).get_weights() for r in (run, calm))
    assert all(map(np.array_equal, weights, expected))
    with monkeypatch.context() as patch:
        patch.setattr(_Steps, "seconds_each", 3600)
        again(minutes=1, overwrite=True)
    assert "finished before, stays until this run is finished too" in caplog.text
    assert model_file.read_card(run.model)["status"] == "finished"


def test_ft_a_does_not_start_from_an_ft_f_model_that_was_stopped(
    drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = Folders(drawn_data, tmp_path, tmp_path)
    run = Run("mobilenet", "all", TrainingData("drawn"), folders)
    head = dataclasses.replace(run, layers="fc").model
    head.parent.mkdir(parents=True)
    head.touch()
    card = {"status": "stopped", "last_epoch": 2, "recipe": {"epochs": 15}}
    monkeypatch.setattr(model_file, "read_card", lambda path: card)
    recipe = Recipe(layers="all", weights="none", head="trained")
    with pytest.raises(UserError, match="after epoch 2 of 15, and FT-A starts from its FC layers"):
        training_plan.head_model(recipe, Dataset(drawn_data, "drawn"), run)


def test_checkpoints_without_batches_between_them_are_refused() -> None:
    with pytest.raises(UserError, match="--checkpoint-batches 0: expected 1 or more"):
        train.Options(Recipe(layers="fc"), checkpoint_batches=0)
