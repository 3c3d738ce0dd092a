"""Exports: they answer as Keras does, or are not written; bad input gets one line."""

import dataclasses
import json
import os
import re
import shutil
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import warm
from helpers.samples import Demonstration
from helpers.scripts import ROOT, refusal, run, start
from huggingface_hub import ModelCard
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from sentiment.base import sha256sums
from sentiment.base.errors import UserError
from sentiment.data.dataset import Dataset
from sentiment.data.decode import decode_file
from sentiment.inference import agreement, export_model, exporter, formats, predict_photos
from sentiment.inference.litert import LitertModel
from sentiment.model import model_file
from sentiment.runs import predictions
from sentiment.runs.run_files import Ending


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `export` be called where Keras has started already, and put its settings back."""
    monkeypatch.setattr(export_model.backend, "start", lambda seed: None)
    for name in ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "")


@pytest.fixture(scope="module")
def small(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with random weights, partly in mixed precision, of the drawn pictures."""
    import keras

    keras.utils.set_random_seed(1)
    network = keras.Sequential([
        keras.Input((224, 224, 3), dtype="uint8", name="image"),
        keras.layers.Rescaling(1 / 127.5, offset=-1.0),
        keras.layers.Conv2D(8, 16, strides=16, activation="relu", dtype="mixed_bfloat16"),
        keras.layers.BatchNormalization(dtype="mixed_bfloat16"),
        keras.layers.GlobalAveragePooling2D(dtype="mixed_bfloat16"),
        keras.layers.Dense(3, activation="softmax", dtype="float32"),
    ])  # fmt: skip
    dataset = Dataset(drawn_data, "drawn")
    card = {
        "dataset": "drawn",
        "data_fingerprint": dataset.fingerprint,
        "class_names": dataset.class_names,
        "percent": 100.0,
        "architecture": "mobilenet",
        "recipe": {"seed": 1, "layers": "fc", "weights": "/home/me/weights.h5"},
        "start": "2026-01-01T00:00:00+00:00",
        "best_epoch": 4,
        "last_epoch": 9,
        "machine": "my-machine",
    }
    path = tmp_path_factory.mktemp("small") / "small.keras"
    model_file.save(network, path, card)
    return path


@pytest.mark.slow
def test_every_format_is_written_and_answers_as_the_others(
    small: Path, drawn_data: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copy(small, tmp_path))
    done = run("scripts/export_model.py", model, "--data-dir", drawn_data,
               "--formats", *formats.FORMATS)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout
    assert said.count("n = 45") == 2 * len(formats.FORMATS)
    photos = Dataset(drawn_data, "drawn").split("test").images[:5]
    answers = {}
    for name, kind in formats.FORMATS.items():
        written = tmp_path / f"small{kind.ending}"
        assert f"Saved {written}" in said
        predict = kind.load(written, 2)
        answers[name] = np.concatenate([predict(photos[:1]), predict(photos[1:])])
        np.testing.assert_allclose(answers[name], answers["litert"], atol=1e-2)
    for name in ("onnx", "saved-model"):
        np.testing.assert_allclose(answers[name], answers["litert"], atol=1e-5)
    assert len(list(tmp_path.iterdir())) == 2 + len(formats.FORMATS)  # the model and its lock

    import onnx

    written = onnx.load(tmp_path / "small.onnx")
    weights = {tensor.name for tensor in written.graph.initializer}
    assert not [node.op_type for node in written.graph.node if weights.issuperset(node.input)]
    properties = {p.key: p.value for p in written.metadata_props}
    cards = [
        json.loads(properties["run.json"]),
        json.loads((tmp_path / "small_saved_model/assets.extra/run.json").read_text()),
    ]
    for card, title in zip(cards, ("ONNX", "SavedModel"), strict=True):
        assert card.pop("export")["format"] == title
        assert card == model_file.read_card(small)


@pytest.mark.usefixtures("in_this_process")
def test_an_export_has_the_same_bytes_again_and_runs_without_keras(
    small: Path, drawn_data: Path, tmp_path: Path
) -> None:
    options = export_model.Options(small, data_dir=drawn_data)
    exported = small.with_suffix(".tflite")
    contents = []
    for _ in range(2):
        export_model.export(options)
        contents.append(exported.read_bytes())
    assert contents[0] == contents[1]

    for name in ("tensorflow", "keras", "jax", "torch"):
        (tmp_path / f"{name}.py").write_text("raise ModuleNotFoundError('none here')")
    code = f"""
import numpy as np; from pathlib import Path; from sentiment.inference.litert import LitertModel
model = LitertModel(Path({str(exported)!r}), num_threads=2)
assert model.card["class_names"] == ["negative", "neutral", "positive"]
assert model.predict(np.zeros((5, 224, 224, 3), np.uint8)).shape == (5, 3)
"""
    done = start(sys.executable, "-c", code, PYTHONPATH=f"{tmp_path}:{ROOT / 'src'}")
    assert (done.returncode, done.stderr) == (0, "")
    exported.write_bytes(contents[0][:2000])
    done = start(sys.executable, "-c", code, PYTHONPATH=f"{tmp_path}:{ROOT / 'src'}")
    assert f"{exported}: damaged" in done.stderr
    exported.unlink()


@pytest.mark.usefixtures("in_this_process")
def test_an_export_that_disagrees_is_not_written(
    small: Path, drawn_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = formats.write_saved_model

    def disturbed(network, folder: Path) -> None:
        *others, bias = network.get_weights()
        network.set_weights([*others, bias + np.array([0.01, 0, 0])])
        write(network, folder)
        network.set_weights([*others, bias])

    monkeypatch.setattr(formats, "write_saved_model", disturbed)
    monkeypatch.setattr(agreement, "LARGEST_LOSS", -0.1)  # must get more right than Keras
    monkeypatch.setattr(exporter, "CALIBRATION_IMAGES", 4)
    before = small.with_suffix(".tflite")
    before.write_bytes(b"an earlier export")
    options = export_model.Options(small, ("litert", "int8", "saved-model"), 45, drawn_data)
    with pytest.raises(UserError) as error:
        export_model.export(options)
    assert str(error.value).count("not written") == 3
    assert f"{before}: not written, for it gives probabilities" in str(error.value)
    assert {path.name for path in small.parent.glob("[!.]*")} == {small.name, before.name}
    assert not list(small.parent.glob(".partial-*"))
    assert before.read_bytes() == b"an earlier export"
    before.unlink()


@pytest.mark.usefixtures("in_this_process")
def test_an_export_keeps_others_out_and_clears_what_a_killed_one_left(
    small: Path, drawn_data: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copy(small, tmp_path))
    words = [model, "--formats", "int8", "--data-dir", drawn_data]
    process = warm.Process([ROOT / "scripts/export_model.py", *words], os.environ)
    left = tmp_path / ".partial-small_export"
    while not left.exists():
        assert process.returncode is None
        time.sleep(0.01)
    options = export_model.Options(model, check_images=5, data_dir=drawn_data)
    with pytest.raises(UserError, match=f"process {process.pid} on .* is exporting it; wait"):
        export_model.export(options)
    process.kill()
    process.wait(60)
    assert left.exists()
    export_model.export(options)
    assert {path.name for path in tmp_path.iterdir()} == {
        "small.keras", ".small.keras.lock", "small.tflite"
    }  # fmt: skip


@pytest.mark.usefixtures("in_this_process")
def test_a_model_card_tells_what_its_files_hold(
    small: Path, drawn: Path, drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also: each of its examples prints the label that the service gives of a photo."""
    model = Path(shutil.copy(small, tmp_path / "fc_layers_small.keras"))
    dataset, folder = Dataset(drawn_data, "drawn"), tmp_path / "hub"
    split = dataset.split("test")
    sure = np.random.default_rng(2).dirichlet([1, 1, 1], len(split)).astype(np.float32)
    own = model.with_name("fc_layers_small_result.npz")
    made_from = {"model": sha256sums.of(model)}
    predictions.write(own, split, sure, np.arange(3), dataset.class_names, made_from)
    other = model.with_name("fc_layers_small_on_other_result.npz")  # of an earlier model
    predictions.write(other, split, sure, np.arange(3), dataset.class_names, {"model": "0"})
    options = export_model.Options(
        model, ("litert", "onnx"), 9, data_dir=drawn_data, card_folder=folder, logs_dir=tmp_path
    )
    export_model.export(options)
    names = {"README.md", "run.json", ".gitattributes", "fc_layers_small.keras",
             "fc_layers_small.tflite", "fc_layers_small.onnx",
             "fc_layers_small_result.npz"}  # fmt: skip
    assert {path.name for path in folder.iterdir()} == names
    card = ModelCard.load(folder / "README.md")  # checks the metadata
    with np.load(folder / own.name) as result:
        y_true, y_pred, y_prob = (result[name] for name in ("y_true", "y_pred", "y_prob"))
    right, confidence = y_true == y_pred, y_prob.max(axis=1)
    accuracy, f1 = card.data.eval_results
    assert accuracy.metric_value == right.mean()
    assert f1.metric_value == pytest.approx(f1_score(y_true, y_pred, average="macro"))
    low, high = binomtest(int(right.sum()), 45).proportion_ci(0.95, method="wilson")
    row = f"| drawn | 45 | {right.mean():.4f} | {low:.4f} to {high:.4f} | negative: 0.3333 |"
    assert row in card.text
    bins = np.ceil(confidence * 15)
    error = sum(
        abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in np.unique(bins)
    ) / 45  # fmt: skip
    assert f"Expected calibration error {error:.4f}, " in card.text
    assert f"`fc_layers_small.keras` | {model.stat().st_size / 1e6:.1f} |" in card.text
    assert "It tells what a photo as a whole is labelled" in card.text
    told = (folder / "README.md").read_text() + (folder / "run.json").read_text()
    assert "/home/me" not in told and "my-machine" not in told

    photo = shutil.copy(next(drawn.rglob("*.jpg")), folder / "photo.jpg")
    (answer,) = LitertModel(folder / "fc_layers_small.tflite").predict(decode_file(photo)[None])
    photos, *blocks = re.findall(r"^```python\n(.*?)^```$", card.text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        (tmp_path / "example.py").write_text(photos + block)
        said, errors = warm.Process(
            [tmp_path / "example.py"], dict(os.environ), folder
        ).communicate()
        assert said == f"{dataset.class_names[answer.argmax()]}\n", errors

    monkeypatch.setattr(export_model, "_load", lambda *_: None)
    monkeypatch.setattr(exporter.Exporter, "write", lambda *_: None)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "letter.txt").touch()
    with pytest.raises(UserError, match="no model card's folder"):
        export_model.export(options)


def model_of(card: dict, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(model_file.CARD, json.dumps(card))
    return path


def test_bad_input_is_told_before_keras_starts(
    small: Path, drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        export_model.backend, "start", lambda seed: pytest.fail("Keras was started")
    )
    card = model_file.read_card(small)
    foreign = tmp_path / "foreign.keras"
    foreign.write_bytes(b"no archive")
    other_data = model_of(card | {"data_fingerprint": "0"}, tmp_path / "other.keras")
    no_keras = model_of(card, tmp_path / "model.tflite")
    kind = dataclasses.replace(formats.FORMATS["onnx"], packages=("no-such-package",))
    monkeypatch.setitem(formats.FORMATS, "onnx", kind)
    for options, expected in {
        export_model.Options(tmp_path / "none.keras"): "none.keras: no such file",
        export_model.Options(
            no_keras
        ): "model.tflite: expected a model that a training script saved",
        export_model.Options(foreign): "foreign.keras: not a model saved by these scripts",
        export_model.Options(
            other_data, data_dir=drawn_data
        ): "not the data .*other.keras was trained",
        export_model.Options(small, data_dir=tmp_path): "python scripts/prepare_data.py",
        export_model.Options(small, check_images=0): "--check-images 0: expected 1 or more",
        export_model.Options(small, ("onnx",), data_dir=drawn_data): "pip install no-such-package",
    }.items():
        with pytest.raises(UserError, match=expected):
            export_model.export(options)


def test_without_tensorflow_one_line_says_so(small: Path, drawn_data: Path, tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError('no TensorFlow here')")
    settings = {"PYTHONPATH": str(tmp_path), "KERAS_BACKEND": "jax"}
    line = refusal("scripts/export_model.py", small, "--data-dir", drawn_data, **settings)
    assert "exporting needs TensorFlow" in line


@pytest.mark.usefixtures("in_this_process")
def test_a_model_of_other_classes_is_refused(small: Path, drawn_data: Path, tmp_path: Path) -> None:
    import keras

    network = keras.Sequential([
        keras.Input((224, 224, 3), dtype="uint8"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2),
    ])  # fmt: skip
    path = tmp_path / "two.keras"
    model_file.save(network, path, model_file.read_card(small))
    with pytest.raises(UserError, match="gives 2 probabilities, its card names 3 classes"):
        export_model.export(export_model.Options(path, data_dir=drawn_data))


@pytest.mark.slow
@pytest.mark.xdist_group("demonstration")
@pytest.mark.usefixtures("in_this_process")
def test_exports_of_a_trained_model_give_its_predictions(
    demonstration: Demonstration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = demonstration.folder / "data"
    trained = demonstration.folder / "saved_models" / "demo" / "fc_layers_efficientnetlite.keras"
    monkeypatch.setattr(exporter, "CALIBRATION_IMAGES", 60)
    export_model.export(export_model.Options(trained, ("litert", "int8"), data_dir=data_dir))

    with np.load(trained.with_name("fc_layers_efficientnetlite_result.npz")) as result:
        y_true, y_pred, y_prob = (result[name] for name in ("y_true", "y_pred", "y_prob"))
        files = [str(data_dir / "drawn_faces" / path) for path in result["paths"]]
    photos = Dataset(data_dir, "demo").split("test").images[:]
    exact = LitertModel(trained.with_name("fc_layers_efficientnetlite.tflite"), num_threads=2)
    answers = np.concatenate([exact.predict(photos[:1]), exact.predict(photos[1:])])
    np.testing.assert_allclose(answers, y_prob, atol=1e-5)
    np.testing.assert_array_equal(answers.argmax(axis=1), y_pred)

    output = tmp_path / "answers.csv"
    litert = trained.with_name("fc_layers_efficientnetlite.tflite")
    predict_photos.predict_photos(predict_photos.Options(tuple(files), litert, output))
    rows = np.genfromtxt(output, delimiter=",", skip_header=1, usecols=(2, 3, 4))
    np.testing.assert_allclose(rows, y_prob, atol=1e-5)

    small = LitertModel(trained.with_name("fc_layers_efficientnetlite_int8.tflite"), num_threads=2)
    answers = small.predict(photos)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    right = int(np.sum(answers.argmax(axis=1) == y_true))
    assert right >= np.sum(y_pred == y_true) - 0.03 * len(y_true)
    about = small.card.pop("export")
    assert small.card == model_file.read_card(trained)
    assert about["exported"] == {"n": len(y_true), "correct": right}


def test_every_export_is_known_to_the_run_that_it_came_from() -> None:
    assert {kind.ending for kind in formats.FORMATS.values()} == set(Ending)
