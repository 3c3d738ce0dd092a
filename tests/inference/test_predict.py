"""Predictions: a stopped one goes on, a finished one is kept, and processes predict in step."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import in_step, stopping
from helpers.small_network import SMALL

from sentiment.base import journal
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.engine.cluster import Cluster
from sentiment.inference import notebook, predict
from sentiment.model import model_file
from sentiment.model.build import build_model
from sentiment.model.recipe import Recipe
from sentiment.runs import collect, work
from sentiment.runs.run_files import Run, TrainingData

MOBILENET = dataclasses.replace(SMALL, name="mobilenet")
"""The small network, under a name whose scripts are there."""

Predicted = Callable[..., bytes]


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return tmp_path / "models" / "drawn" / "fc_layers_mobilenet_result.npz"


@pytest.fixture
def predicted(
    drawn_data: Path, tmp_path: Path, result: Path, monkeypatch: pytest.MonkeyPatch
) -> Predicted:
    """Predicts the drawn test split with a saved model, and returns the result's bytes."""
    stopping.note_every_block(monkeypatch, "sentiment.engine.batches")
    backend = {"backend": keras.backend.backend()}
    monkeypatch.setattr(predict.backend, "start", lambda *args, **more: backend)
    keras.utils.set_random_seed(1)
    recipe = Recipe(layers="fc", weights="none")
    data = Dataset(drawn_data, "drawn")
    card = {
        "dataset": "drawn", "data_fingerprint": data.fingerprint, "percent": 100.0,
        "class_names": data.class_names, "recipe": dataclasses.asdict(recipe), "status": "finished",
    }  # fmt: skip
    network = build_model(SMALL, recipe, len(data.class_names))
    model_file.save(network, result.with_name("fc_layers_mobilenet.keras"), card)
    folders = Folders(drawn_data, tmp_path / "logs", tmp_path / "models")

    def call(**flags: object) -> bytes:
        given = {"batch_size": 8, "folders": folders} | flags
        predict.predict(MOBILENET, "fc", predict.Options(TrainingData("drawn"), **given))
        return result.read_bytes()

    return call


def test_a_prediction_stopped_goes_on_and_a_finished_one_is_not_repeated(
    predicted: Predicted,
    result: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    expected = predicted()
    for owner, name, after in ((journal.Journal, "add", 1), (np, "savez", 0)):
        result.unlink()
        with stopping.stopped(monkeypatch, owner, name, after):
            predicted()
        assert not result.exists()
        caplog.clear()
        assert predicted() == expected
        assert "goes on after" in caplog.text, name
        assert not result.with_name(f".{result.name}.journal").exists()

    monkeypatch.setattr(predict.model_file, "load", None)  # not needed
    caplog.clear()
    assert predicted() == expected
    assert f"{result} was there, of this very model and data" in caplog.text
    assert "accuracy" in caplog.text


def test_the_mirror_image_is_predicted_too_and_its_result_stands_beside(
    predicted: Predicted, result: Path, drawn_data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    plain = predicted()
    with stopping.stopped(monkeypatch, journal.Journal, "add", 1):
        predicted(flip_test=True)
    run = Run("mobilenet", "fc", TrainingData("drawn"), Folders(models_dir=tmp_path / "models"))
    (unfinished,) = work._unfinished_tests(run, Path("drawn"))
    assert "its test on drawn with the mirror image" in unfinished.progress
    assert predicted(flip_test=True) == plain  # which it leaves alone
    assert "goes on after" in caplog.text
    assert "drawn test split with the mirror image: accuracy" in caplog.text

    flipped = result.with_name("fc_layers_mobilenet_flip_result.npz")
    network = model_file.load(result.with_name("fc_layers_mobilenet.keras"))
    images = Dataset(drawn_data, "drawn").split("test").images[:]
    both = [network.predict_on_batch(i) for i in (images, images[:, :, ::-1])]
    with np.load(flipped) as stored:
        np.testing.assert_allclose(stored["y_prob"], np.mean(both, axis=0), atol=1e-6)
        assert np.abs(both[0] - both[1]).max() > 1e-3
    found = notebook.results(tmp_path / "models")
    assert list(found.run) == ["fc_layers_mobilenet"] * 2
    assert dict(zip(found.file, found.flip_test, strict=True)) == {
        str(result): False, str(flipped): True
    }  # fmt: skip
    result.write_bytes(flipped.read_bytes())  # renamed, it is still known
    with pytest.raises(UserError, match="has the mirror images, its name says otherwise"):
        collect.result_of(run, "drawn")


def test_other_batches_start_a_stopped_prediction_anew(
    predicted: Predicted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with stopping.stopped(monkeypatch, journal.Journal, "add", 1):
        predicted()
    predicted(batch_size=4)
    assert "starts anew: an unfinished prediction is there with batch size 8" in caplog.text
    assert "goes on after" not in caplog.text


def test_processes_predict_in_step_and_the_first_one_writes(
    predicted: Predicted, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one goes on where it was stopped; the second is told where that is."""
    expected = predicted()
    result.unlink()
    with stopping.stopped(monkeypatch, journal.Journal, "add", 1):
        predicted()
    whole, images = keras.Model.predict, []

    def counted(*args, **more) -> np.ndarray:
        output = whole(*args, **more)
        images[-1] += len(output)
        return output

    def work(number: int) -> None:
        images.append(0)
        content = predicted(cluster=Cluster("localhost:1", 2, number))
        assert content == expected

    monkeypatch.setattr(keras.Model, "predict", counted)
    called = in_step.as_two_processes(monkeypatch, work)
    assert called == ["maximum", "check_equal", "from_first", "from_first", "barrier"]
    assert images[0] == images[1] < 45
    called = in_step.as_two_processes(monkeypatch, work)  # the result is there now
    assert called == ["maximum", "check_equal", "from_first", "barrier"]


def test_a_batch_without_images_is_refused() -> None:
    with pytest.raises(UserError, match="--batch-size 0: expected 1 or more"):
        predict.Options(batch_size=0)
