"""Calibration: the temperature is inside the model, and all that takes a model takes it."""

import dataclasses
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import stopping
from helpers.made_once import made_once
from helpers.small_network import SMALL
from scipy.special import log_softmax, softmax

from sentiment.base import journal
from sentiment.base.errors import UserError
from sentiment.data.dataset import Dataset
from sentiment.inference import calibrate, temperature_fit
from sentiment.inference.card_folder import CardFolder
from sentiment.model import model_file, temperature
from sentiment.model.build import attach_head, build_model
from sentiment.model.recipe import Recipe

RECIPE = Recipe(layers="fc", weights="none")


@pytest.fixture(scope="session")
def trained(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network that knows something of the drawn faces that it is calibrated on, and its
    optimiser."""

    def make(folder: Path) -> None:
        keras.utils.set_random_seed(1)
        data = Dataset(drawn_data, "drawn")
        network = build_model(SMALL, dataclasses.replace(RECIPE, layers="all"), 3)
        network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
        faces = data.split("validation")
        network.fit(faces.images[:], faces.labels, epochs=20, verbose=0)
        card = {
            "architecture": "mobilenet", "dataset": "drawn", "percent": 100.0,
            "data_fingerprint": data.fingerprint, "class_names": data.class_names,
            "recipe": dataclasses.asdict(RECIPE), "status": "finished", "start": "2026-01-01",
            "last_epoch": 3, "best_epoch": 3,
        }  # fmt: skip
        model_file.save(network, folder / "fc_layers_mobilenet.keras", card)

    return made_once(tmp_path_factory, "trained_on_faces", make) / "fc_layers_mobilenet.keras"


@pytest.fixture
def model(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained network, which is calibrated in this process."""
    backend = {"backend": keras.backend.backend()}
    monkeypatch.setattr(calibrate.backend, "start", lambda *args, **more: backend)
    return Path(shutil.copy(trained, tmp_path))


def calibrated(model: Path, data_dir: Path, **flags: object) -> dict:
    """Calibrate a model and return what its card says of it."""
    calibrate.calibrate(calibrate.Options(model, data_dir=data_dir, **flags))
    return model_file.read_card(model)["calibration"]


def logits_of(model: Path, images: np.ndarray) -> np.ndarray:
    network = model_file.load(model)
    network.get_layer("head").layers[-1].activation = keras.activations.linear
    return network.predict_on_batch(images).astype(np.float64)


def test_the_temperature_is_inside_the_model(model: Path, drawn_data: Path, tmp_path: Path) -> None:
    validation = Dataset(drawn_data, "drawn").split("validation")
    images, rows = validation.images[:], np.arange(len(validation))
    logits, before = logits_of(model, images), keras.saving.load_model(model)
    result, export = (model.with_name(model.stem + e) for e in ("_flip_result.npz", ".tflite"))
    result.touch()
    export.touch()
    entry = calibrated(model, drawn_data)

    after = keras.saving.load_model(model)
    y_prob, fitted = after.predict_on_batch(images), entry["temperature"]
    np.testing.assert_allclose(y_prob, softmax(logits / fitted, axis=1), atol=1e-6)
    np.testing.assert_array_equal(y_prob.argmax(axis=1), logits.argmax(axis=1))
    losses = {t: -log_softmax(logits / t, axis=1)[rows, validation.labels].mean()
              for t in (1, fitted, fitted * 1.01, fitted / 1.01)}  # fmt: skip
    assert losses[fitted] == min(losses.values()) < losses[1] - 1e-4
    assert entry["before"]["nll"] == pytest.approx(losses[1])
    assert entry["after"]["nll"] == pytest.approx(losses[fitted])
    low, high = entry["nll_change_interval"]
    assert low < entry["nll_change"] < high
    assert (entry["dataset"], entry["split"], entry["n"]) == ("drawn", "validation", len(rows))
    assert not result.exists() and not export.exists()

    states = (network.optimizer.variables for network in (before, after))
    for was, kept in zip(*states, strict=True):
        np.testing.assert_array_equal(was.numpy(), kept.numpy())
    after.train_on_batch(images, validation.labels)

    card = model_file.read_card(model)
    assert card["start"] == "2026-01-01"
    CardFolder(model, card, Dataset(drawn_data, "drawn"), tmp_path).write(tmp_path / "hub")
    told = (tmp_path / "hub" / "README.md").read_text()
    assert f"divided by a temperature of {fitted:.4g} (Guo et al., 2017), fitted on 45" in told


def test_logits_three_times_as_large_have_a_temperature_three_times_as_large(
    model: Path, drawn_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    network, card = model_file.load(model), model_file.read_card(model)
    surer = model.with_name("surer.keras")
    temperature.divide(temperature.last_layer(network, model), 1 / 3)
    model_file.save(network, surer, card)
    once, thrice = (calibrated(path, drawn_data)["temperature"] for path in (model, surer))
    assert thrice == pytest.approx(3 * once, rel=1e-3)

    whole = surer.read_bytes()
    calibrated(surer, drawn_data)
    assert f"{surer} is calibrated: temperature {thrice:.4g}, fitted on 45" in caplog.text
    assert surer.read_bytes() == whole
    again = calibrated(surer, drawn_data, overwrite=True)["temperature"]
    assert again == pytest.approx(thrice, rel=1e-5)  # of the model as it was trained


def test_ft_a_starts_from_the_layers_as_they_were_trained(
    model: Path, trained: Path, drawn_data: Path
) -> None:
    starts = []
    calibrated(model, drawn_data)
    for file in (trained, model):
        start = build_model(SMALL, dataclasses.replace(RECIPE, layers="all"), 3)
        start.get_layer("backbone").set_weights(
            model_file.load(trained).get_layer("backbone").get_weights()
        )
        attach_head(start, file)
        starts.append(start.get_weights())
    for was, found in zip(*starts, strict=True):
        np.testing.assert_allclose(was, found, rtol=1e-6)


def test_a_kill_leaves_the_model_as_it_was_and_what_was_predicted(
    model: Path, drawn_data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    stopping.note_every_block(monkeypatch, "sentiment.engine.batches")
    whole = model.read_bytes()
    for owner, name, after in ((journal.Journal, "add", 1), (model_file, "add_card", 0)):
        with stopping.stopped(monkeypatch, owner, name, after):
            calibrated(model, drawn_data, batch_size=8)
        assert model.read_bytes() == whole
    assert calibrated(model, drawn_data, batch_size=8)["n"] == 45
    assert "goes on after" in caplog.text
    assert {path.name for path in model.parent.iterdir()} == {model.name, f".{model.name}.lock"}


def test_models_of_others_are_calibrated_on_data_that_are_named(
    model: Path, drawn_data: Path
) -> None:
    card = {"dataset": "paper", "class_names": ["negative", "neutral", "positive"],
            "imported": {"file": "a.pth"}}  # fmt: skip
    model_file.save(model_file.load(model), model, card)
    with pytest.raises(UserError, match="name prepared data, such as --on t4sa"):
        calibrated(model, drawn_data)
    assert calibrated(model, drawn_data, on="drawn")["dataset"] == "drawn"


def test_what_cannot_be_calibrated_gets_one_line(model: Path, drawn_data: Path) -> None:
    network, card = model_file.load(model), model_file.read_card(model)
    with pytest.raises(UserError, match="LEAKING"):
        model_file.save(network, model, card | {"include_test_data": True})
        calibrated(model, drawn_data)
    with pytest.raises(UserError, match="prepared anew"):
        model_file.save(network, model, card | {"data_fingerprint": "0"})
        calibrated(model, drawn_data)
    softmax_apart = keras.Sequential([network, keras.layers.Activation("softmax", name="apart")])
    with pytest.raises(UserError, match="its last layer, apart, is not Dense with softmax"):
        model_file.save(softmax_apart, model, card)
        calibrated(model, drawn_data)
    with pytest.raises(UserError, match="expected a model that a training script saved"):
        calibrated(Path(__file__), drawn_data)


def test_no_temperature_is_best_where_all_is_right_or_nothing_is_known() -> None:
    labels = np.arange(30) % 3
    assert temperature_fit.best(np.eye(3)[labels], labels) is None
    assert temperature_fit.best(np.eye(3)[(labels + 1) % 3], labels) is None
