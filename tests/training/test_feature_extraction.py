"""Bottleneck features: what is stored, when it is used again, and that it trains as without."""

import collections
import csv
import dataclasses
import os
import shutil
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import in_step, stopping
from helpers.scripts import ROOT, files_of, succeed
from helpers.small_network import SMALL

from sentiment.base import files, journal
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data import arrays
from sentiment.data.dataset import Dataset
from sentiment.data.feature_store import Features
from sentiment.engine.batches import Batches
from sentiment.model import build, model_file
from sentiment.model.build import build_model
from sentiment.model.recipe import Recipe
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training
from sentiment.training import feature_extraction, mean_pixel
from sentiment.training.setup import Setup

FC = Recipe(layers="fc", weights="none")
ROWS = np.delete(np.arange(150), [3, 16, 17, 90])
"""Rows of the training split: not all, and not whole chunks."""


@pytest.fixture
def dataset(drawn_data: Path, tmp_path: Path) -> Dataset:
    """A copy of the drawn data, without features."""
    shutil.copytree(drawn_data / "drawn", tmp_path / "drawn",
                    ignore=shutil.ignore_patterns("features"))  # fmt: skip
    return Dataset(tmp_path, "drawn")


@pytest.fixture
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_model(SMALL, FC, 3)


def compute(
    network: keras.Model, dataset: Dataset, recipe: Recipe = FC, rows=ROWS, batch_size: int = 48
) -> Features:
    frozen = build.without_head(network)
    return feature_extraction.features(frozen, SMALL, recipe, dataset, "train", rows, batch_size)


def folders(dataset: Dataset) -> set[str]:
    return {path.name for path in (dataset.folder / "features").glob("[!.]*")}


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_each_row_has_the_output_of_the_frozen_layers(dtype, dataset, network, monkeypatch):
    monkeypatch.setattr("sentiment.engine.batches.BLOCK", 1)  # a batch a block
    recipe = dataclasses.replace(FC, feature_dtype=dtype)
    features = compute(network, dataset, recipe)
    split = dataset.split("train")
    expected = build.without_head(network).predict(split.images[:][ROWS], verbose=0)
    assert features.dtype == np.dtype(dtype)
    for seed in (None, 1):
        batches = Batches(features, ROWS, 48, seed)
        images = Batches(split, ROWS, 48, seed)
        for index in range(len(batches)):
            values, labels = batches[index]
            pixels, of_pixels = images[index]
            np.testing.assert_array_equal(labels, of_pixels)
            found = build.without_head(network).predict_on_batch(pixels)
            np.testing.assert_allclose(values, found, rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(features.array[:], expected, rtol=2e-3, atol=1e-3)


@pytest.mark.slow
def test_features_are_used_again_only_for_the_very_same_case(dataset, network, monkeypatch):
    computed = []
    predicted = feature_extraction.predicted
    monkeypatch.setattr(
        feature_extraction, "predicted", lambda *args: computed.append(1) or predicted(*args)
    )  # fmt: skip
    compute(network, dataset)
    compute(network, dataset)
    assert len(computed) == 1
    other = build_model(SMALL, FC, 3)  # other random weights
    cases = [
        {"network": other},
        {"rows": ROWS[1:]},
        {"recipe": dataclasses.replace(FC, feature_dtype="float16")},
        {"recipe": dataclasses.replace(FC, preprocessing="caffe")},
        {"recipe": dataclasses.replace(FC, precision="mixed_bfloat16")},
    ]
    for number, case in enumerate(cases, 2):
        compute(**{"network": network, "dataset": dataset} | case)
        assert len(computed) == number
        assert len(folders(dataset)) == number
    dataset.manifest["fingerprint"] = "other data"
    compute(network, dataset)
    assert len(computed) == len(cases) + 2


def test_the_mean_pixel_is_of_the_rows_used_and_part_of_what_features_depend_on(
    dataset, tmp_path, caplog
):
    """FT-A takes the mean pixel that FT-F's card says, and computes nothing."""
    caplog.set_level("INFO")
    recipe = dataclasses.replace(FC, preprocessing="dataset-mean")
    run = Run("small", "fc", TrainingData("drawn"), Folders(tmp_path, tmp_path, tmp_path))
    training, split = Training(SMALL, recipe, dataset, run), dataset.split("train")
    mean = mean_pixel.mean_pixel(training, split, ROWS)
    np.testing.assert_allclose(mean, split.images[:][ROWS].mean(axis=(0, 1, 2)), rtol=1e-9)
    network = build_model(SMALL, recipe, 3, mean)
    for of_other_rows in (mean, [1.0, 2.0, 3.0]):
        frozen = build.without_head(network)
        feature_extraction.features(
            frozen, SMALL, recipe, dataset, "train", ROWS, 48, of_other_rows
        )
    assert len(folders(dataset)) == 2

    model_file.save(network, run.model, {mean_pixel.MEAN_PIXEL: [4.0, 5.0, 6.0]})
    everything = dataclasses.replace(training, head_from=run.model)
    assert mean_pixel.mean_pixel(everything, split, ROWS) == [4.0, 5.0, 6.0]
    assert mean_pixel.mean_pixel(Training(SMALL, FC, dataset, run), split, ROWS) is None


def test_features_too_large_for_float16_are_refused_and_leave_nothing(dataset, network):
    dense = network.get_layer("backbone").layers[-1]
    dense.set_weights([weight * 1e6 for weight in dense.get_weights()])
    with pytest.raises(UserError, match="--feature-dtype float32"):
        compute(network, dataset, dataclasses.replace(FC, feature_dtype="float16"))
    assert not folders(dataset)


def test_a_disk_too_small_is_said_beforehand(dataset, network, monkeypatch):
    usage = collections.namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100))
    with pytest.raises(UserError, match=r"--feature-dtype float16, .* --no-feature-cache"):
        compute(network, dataset)
    assert not (dataset.folder / "features").exists()


def test_data_that_may_only_be_read_have_their_features_elsewhere(
    dataset, network, tmp_path, monkeypatch
):
    def access(path: Path, mode: int) -> bool:  # root may write anywhere
        return mode != os.W_OK or path != dataset.folder

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(UserError, match=r"--features-dir DIR, .* --no-feature-cache"):
        compute(network, dataset)
    assert not (dataset.folder / "features").exists()
    keras.utils.set_random_seed(1)
    run = Run("small", "fc", TrainingData("drawn"), Folders(features_dir=tmp_path / "elsewhere"))
    stored = Setup(Training(SMALL, FC, dataset, run)).stored("train", ROWS)
    (folder,) = (tmp_path / "elsewhere" / "drawn" / "features").glob("[!.]*")
    assert stored.array.folder.parent == folder
    listed = succeed("scripts/features.py", "list", "--data-dir", tmp_path / "elsewhere")
    assert f"drawn/features/{folder.name}" in listed


def test_features_are_listed_and_cleared(dataset, network):
    compute(network, dataset)
    data_dir = dataset.folder.parent
    (name,) = folders(dataset)
    listed = succeed("scripts/features.py", "list", "--data-dir", data_dir)
    assert f"drawn/features/{name}" in listed
    kept = succeed("scripts/features.py", "clear", "--dataset", "other", "--data-dir", data_dir)
    assert "0 feature stores" in kept
    succeed("scripts/features.py", "clear", "--dataset", "drawn", "--data-dir", data_dir)
    assert not folders(dataset)


@pytest.mark.slow
def test_features_stopped_anywhere_go_on_to_the_same_bytes(dataset, network, monkeypatch, caplog):
    caplog.set_level("INFO")
    stopping.note_every_block(monkeypatch, "sentiment.engine.batches")
    folder = compute(network, dataset, batch_size=8).array.folder.parent
    expected = files_of(folder)
    for owner, name, after in (
        (keras.Model, "predict", 1), (journal.Journal, "add", 0), (journal.Journal, "add", 1),
        (arrays, "write", 0), (files, "write_json", 0),
    ):  # fmt: skip
        shutil.rmtree(folder)
        with stopping.stopped(monkeypatch, owner, name, after):
            compute(network, dataset, batch_size=8)
        assert not folder.exists()
        caplog.clear()
        compute(network, dataset, batch_size=8)
        assert files_of(folder) == expected
        assert ("goes on after" in caplog.text) == ((name, after) != ("add", 0))
    shutil.rmtree(folder)
    with stopping.stopped(monkeypatch, keras.Model, "predict", 1):
        compute(network, dataset, batch_size=8)
    listed = succeed("scripts/features.py", "list", "--data-dir", dataset.folder.parent)
    assert f"{folder.name} (unfinished)" in listed
    compute(network, dataset, batch_size=4)
    assert "starts anew: unfinished features are there with batch size 8; this one" in caplog.text
    assert not list(folder.parent.glob(".partial-*"))
    with files.locked(folder):
        shutil.rmtree(folder)
        with pytest.raises(UserError, match="is writing it"):
            compute(network, dataset)


def test_processes_compute_features_in_step_from_where_the_first_was(dataset, network, monkeypatch):
    stopping.note_every_block(monkeypatch, "sentiment.engine.batches")
    folder = compute(network, dataset).array.folder.parent
    expected = files_of(folder)
    shutil.rmtree(folder)
    with stopping.stopped(monkeypatch, keras.Model, "predict", 2):
        compute(network, dataset)
    predict, computed = keras.Model.predict, []

    def counted(*args, **more) -> np.ndarray:
        output = predict(*args, **more)
        computed[-1] += len(output)
        return output

    def work(number: int) -> None:
        computed.append(0)
        compute(network, dataset)
        assert files_of(folder) == expected

    monkeypatch.setattr(keras.Model, "predict", counted)
    called = in_step.as_two_processes(monkeypatch, work)
    assert called == ["from_first", "from_first", "barrier"]
    assert computed[0] == computed[1] < len(ROWS)


@pytest.mark.slow
def test_training_on_features_is_training_through_the_frozen_layers(
    real_data: Path, weights: Path, tmp_path: Path
) -> None:
    """Also: Keras alone loads the models with the optimiser's state."""
    script = ROOT / "src/mobilenet/fc_layer_train_mobilenet.py"
    (tmp_path / "data").mkdir()
    shutil.copytree(real_data / "dogs", tmp_path / "data/dogs",
                    ignore=shutil.ignore_patterns("features"))  # fmt: skip
    learned = {}
    for way, flags in {"with": [], "without": ["--no-feature-cache"]}.items():
        where = ["--dataset", "dogs", "--percent", 20, "--data-dir", tmp_path / "data",
                 "--logs-dir", tmp_path / way, "--models-dir", tmp_path / way]  # fmt: skip
        succeed(script, *where, "--weights", weights, "--epochs", 3, *flags)
        with (tmp_path / way / "dogs/test_fc_layers_mobilenet_history.csv").open() as lines:
            history = [
                [float(row[name]) for name in ("loss", "accuracy", "val_loss", "val_accuracy")]
                for row in csv.DictReader(lines)
            ]
        with warnings.catch_warnings(action="error"):
            saved = keras.saving.load_model(tmp_path / way / "dogs/test_fc_layers_mobilenet.keras")
        state = [keras.ops.convert_to_numpy(value) for value in saved.optimizer.variables]
        assert state[0] == 3  # updates
        learned[way] = history, *saved.get_weights(), *state
    for with_features, without in zip(learned["with"], learned["without"], strict=True):
        np.testing.assert_allclose(with_features, without, atol=1e-5)


def test_damaged_features_say_how_they_are_made_anew(dataset, network):
    compute(network, dataset)
    (chunk,) = dataset.folder.glob("features/*/values/data/__0.blp")
    chunk.write_bytes(b"")
    with pytest.raises(UserError, match=r"python scripts/features.py clear"):
        Batches(compute(network, dataset), ROWS, 48, None)[0]
