"""Whole runs, as real processes on real data: what they leave, and that they repeat."""

import csv
import json
import shutil
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import event_files, report_files, small_checkout, warm
from helpers.samples import Few
from helpers.scripts import NETWORKS, ROOT, SMALLEST, files_of, refusal, start, succeed

from sentiment.runs import predictions

pytestmark = pytest.mark.slow

ENDINGS = (".log", "_history.csv", "_resources.csv", "_run.json")


def scripts(network: str, layers: str) -> tuple[Path, Path]:
    """A network's training and prediction script."""
    (training,) = ROOT.glob(f"src/{network}/{layers}_layer_train_*.py")
    return training, training.with_name(f"result_predict_{training.name}")


def folders(work: Path) -> list:
    return ["--logs-dir", work / "logs", "--models-dir", work / "models"]


def names(folder: Path) -> set[str]:
    """Names of all files but locks, which stay."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A checkout with a small network; its scripts: train FT-F, train FT-A, predict FT-F."""
    network = small_checkout.make(tmp_path / "checkout")
    return tuple(
        network / f"{script}_{small_checkout.NAME}.py"
        for script in ("fc_layer_train", "all_layer_train", "result_predict_fc_layer_train")
    )


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def without_times(history: Path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if "second" not in k} for row in read_csv(history)]


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_trains_and_predicts_both_ways(
    network: str, few: Few, weights: Path, tmp_path: Path
) -> None:
    where = ["--percent", 50, "--data-dir", few.data_dir, *folders(tmp_path)]
    logs, models = tmp_path / "logs" / "t4sa", tmp_path / "models" / "t4sa"
    real = network == "mobilenet"
    eagerly = {warm.EAGERLY: "1"}
    for layers in ("fc", "all"):
        variant = SMALLEST.get(network)
        name = f"test_{layers}_layers_{network}{f'-{variant}' if variant else ''}"
        which = [*where, *(["--variant", variant] if variant else [])]
        training, predicting = scripts(network, layers)
        first = weights if real else "none"
        began = time.time()
        said = succeed(training, *which, "--weights", first, "--epochs", 1, **eagerly)
        took = time.time() - began
        succeed(predicting, *which, **eagerly)
        assert {f"{name}{ending}" for ending in ENDINGS} <= names(logs)
        (row,) = read_csv(logs / f"{name}_history.csv")
        assert row["epoch"] == "1"
        assert all(np.isfinite(float(value)) for value in row.values())
        manifest = json.loads((logs / f"{name}_run.json").read_text())
        assert manifest["status"] == "finished"
        assert manifest["class_names"] == ["negative", "neutral", "positive"]
        assert manifest["recipe"]["layers"] == layers
        assert manifest["train_images"] == 12  # 50 % of 8 of each class
        assert manifest["best_epoch"] == manifest["last_epoch"] == 1
        spent = manifest["last_process_seconds"]
        assert {"starting", "building", "first_steps", "validation", "saving"} <= spent.keys()
        assert ("features" in spent) == (layers == "fc")
        assert all(seconds >= 0 for seconds in spent.values())
        assert sum(spent.values()) <= took
        if layers == "all":  # before the first script the helper process has to import Keras
            assert sum(spent.values()) > 0.9 * took - 0.5
        assert "Of 0:0" in said

        with np.load(models / f"{name}_result.npz", allow_pickle=False) as result:
            assert list(result["paths"]) == few.listed[::2]
            assert list(result["y_true"]) == [int(label) for label in few.listed[1::2]]
            assert result["y_prob"].shape == (12, 3)
            np.testing.assert_allclose(result["y_prob"].sum(axis=1), 1, rtol=1e-5)
            np.testing.assert_array_equal(result["y_pred"], result["y_prob"].argmax(axis=1))
            assert list(result["class_names"]) == ["negative", "neutral", "positive"]
            right = (result["y_true"] == result["y_pred"]).mean()
        assert f"accuracy {right:.4f}, 95 % interval" in (logs / f"{name}_result.log").read_text()
    assert all(name.startswith("test_") for name in names(models))

    if real:
        succeed("scripts/report.py", *where)
        page = logs / "report" / "report.html"
        tested = report_files.tables(page)["table_2_test_accuracy"]
        assert len(tested) == 2 * len(NETWORKS)
        for row in tested:  # under the photo that Grad-CAM explains
            assert (f"{row['model']}: said " in page.read_text()) == (row["n"] == "12")
        assert sum(row["n"] == "12" for row in tested) == 2
    shutil.rmtree(tmp_path)  # VGG19's models take 2 GB


def test_real_tweets_beat_chance_and_ttd_leaves_neutral_out(
    real_data: Path, weights: Path, tmp_path: Path
) -> None:
    training, predicting = scripts("mobilenet", "fc")
    where = ["--data-dir", real_data, *folders(tmp_path)]
    succeed(training, *where, "--weights", weights, "--epochs", 6, "--learning-rate", 0.003)
    said = succeed(predicting, *where, "--test-on", "t4sa", "ttd")
    from sentiment.runs.accuracy import accuracy

    with np.load(tmp_path / "models/t4sa/fc_layers_mobilenet_result.npz") as result:
        reached = accuracy(result["y_true"], result["y_pred"])
    assert reached.n == 90
    assert reached.interval[0] > 1 / 3, reached

    with np.load(tmp_path / "models/t4sa/fc_layers_mobilenet_on_ttd_result.npz") as result:
        y_true, y_pred, y_prob = (result[name] for name in ("y_true", "y_pred", "y_prob"))
        agreement = result["agreement"]
        assert list(result["class_names"]) == ["negative", "neutral", "positive"]
    assert set(y_true) == {0, 2}
    np.testing.assert_array_equal(y_pred, np.where(y_prob[:, 2] > y_prob[:, 0], 2, 0))
    for level, n in {5: 84, 4: 105, 3: 120}.items():
        rows = agreement >= level
        assert rows.sum() == n
        right = (y_true == y_pred)[rows].mean()
        assert f"at least {level} annotators agree: accuracy {right:.4f}" in said

    line = refusal(predicting, *where, "--test-on", "dogs")
    assert "has the class Beagle, which the model does not know" in line


def test_the_same_commands_give_the_same_bits_forked_and_in_new_processes(
    real_data: Path, weights: Path, tmp_path: Path
) -> None:
    which = ["--dataset", "dogs", "--percent", 8, "--data-dir", real_data]
    recipe = ["--weights", weights, "--epochs", 1, "--batch-size", 4]
    kept = []
    for way in ("forked", "new"):
        work = tmp_path / way
        words = [*which, *recipe, *folders(work), "--features-dir", work / "features"]
        for layers in ("fc", "all"):
            training, _ = scripts("mobilenet", layers)
            if way == "forked":
                succeed(training, *words)
            else:
                done = start(sys.executable, training, *words)
                assert done.returncode == 0, done.stderr
            history = without_times(work / f"logs/dogs/test_{layers}_layers_mobilenet_history.csv")
            model = work / f"models/dogs/test_{layers}_layers_mobilenet.keras"
            with zipfile.ZipFile(model) as archive:
                kept.append((history, archive.read("model.weights.h5")))
        kept.append(files_of(work / "features"))
        assert kept[-1]
    assert kept[:3] == kept[3:]


def test_a_finished_run_is_kept_unless_told_otherwise(
    small: tuple[Path, Path, Path], drawn_data: Path, tmp_path: Path
) -> None:
    training, everything, predicting = small
    where = ["--dataset", "drawn", "--data-dir", drawn_data, *folders(tmp_path)]
    recipe = ["--epochs", 1]
    models, logs = tmp_path / "models" / "drawn", tmp_path / "logs" / "drawn"
    model = models / "fc_layers_tinynet.keras"
    succeed(training, *where, *recipe)
    succeed(predicting, *where)
    before = model.read_bytes()

    assert "--overwrite trains it again" in succeed(training, *where, *recipe)
    assert "; --overwrite replaces it" in refusal(training, *where, *recipe, "--seed", 2)
    assert "no longer a number" in refusal(
        training, *where, *recipe, "--overwrite", "--learning-rate", 1e37
    )
    assert json.loads((logs / "fc_layers_tinynet_run.json").read_text())["status"] == "failed"
    assert model.read_bytes() == before

    model.with_suffix(".tflite").touch()
    model.with_name("fc_layers_tinynet_saved_model").mkdir()
    said = succeed(training, *where, *recipe, "--overwrite")
    for outdated in ("_result.npz", ".tflite", "_saved_model"):
        assert f"fc_layers_tinynet{outdated}" in said
    assert names(models) == {model.name}  # what the model replaced had made is gone

    for percent in (20, 10):  # a part's run replaces the one before unasked
        succeed(training, *where, *recipe, "--percent", percent)
    assert names(models) == {model.name, f"test_{model.name}"}
    assert "trained on 10 %, not 20 %" in refusal(predicting, *where, "--percent", 20)

    line = refusal(everything, *where, "--percent", 10, "--head", "trained", "--seed", 2)
    assert "give both runs the same --weights and --seed" in line


def test_one_command_takes_a_copied_folder_to_a_complete_report(
    small: tuple[Path, Path, Path], few: Few, tmp_path: Path
) -> None:
    """IPython's bare flags reach a real run, whose step is not taken again, and the default
    folders are the checkout's.
    """
    training, _, predicting = small
    checkout = tmp_path / "checkout"
    for network in NETWORKS:
        shutil.rmtree(checkout / "src" / network)
    shutil.copytree(ROOT / "tests", checkout / "tests", ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(few.data_dir, checkout / "data")
    done = start("ipython", training, "--percent", 50, "--epochs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "train 12, validation 6 images" in done.stdout
    done = start("ipython", predicting, "--", "--percent", 50, "--test-on", "t4sa", "ttd")
    assert done.returncode == 0, done.stdout + done.stderr
    results = {f"test_fc_layers_tinynet{on}_result.npz" for on in ("", "_on_ttd")}
    left = names(checkout / "saved_models" / "t4sa")
    assert left == {"test_fc_layers_tinynet.keras", *results}

    command = [checkout / "scripts" / "run_all.py", "--percent", 50, "--images", 12]
    said = succeed(*command, "--", "--epochs", 1)
    assert "6 steps for t4sa, 2 of them finished before" in said
    page = checkout / "logs" / "t4sa" / "report" / "report.html"
    assert f"{page}" in said
    shown = report_files.tables(page)
    assert {name: len(rows) for name, rows in shown.items()} == {
        "choice": 2,
        "table_2_test_accuracy": 2,
        "test_pairs": 1,
        "classes": 3,
        "table_3_ttd_accuracy": 3 * 2,
        "ttd_pairs": 1,
        "table_4_training_time": 2,
        "table_5_inference": 2,
        "table_6_cpu_load": 2,
        "table_7_memory": 2,
        "table_8_bytes": 2,
        "runs": 2,
    }
    text = page.read_text()
    for wrong in ("not run:", "unusable:", "Found while reading", ">nan<"):
        assert wrong not in text
    assert "test 12 of 51,000" in text
    assert {row["n"] for row in shown["table_3_ttd_accuracy"]} == {"8", "10", "12"}
    measured = json.loads((page.parents[1] / "test_fc_layers_tinynet_inference.json").read_text())
    assert measured["images"] == 12
    (timing,) = measured["measured"]
    times = {size: len(times) for size, times in timing["milliseconds"].items()}
    assert times == {"1": 12, "15": 1}
    assert timing["weights_bytes"] > 1000

    found = start(
        "python", "-m", "pytest", checkout / "tests" / "test_runs.py", "--collect-only", "-q"
    ).stdout  # fmt: skip
    assert "both_ways[tinynet]" in found

    for epochs, finished in {1: 4, 2: 0}.items():
        again = succeed(*command, "--dry-run", "--", "--epochs", epochs)
        assert f"6 steps for t4sa, {finished} of them finished before" in again


def test_torch_trains_without_tensorflow(
    small: tuple[Path, Path, Path],
    drawn_data: Path,
    without_tensorflow: dict[str, str],
    tmp_path: Path,
) -> None:
    """Tests of several processes show the same of JAX."""
    where = ["--dataset", "drawn", "--percent", 10, "--data-dir", drawn_data, *folders(tmp_path)]
    words = [*where, "--epochs", 1, "--tensorboard"]
    said = succeed(small[0], *words, **without_tensorflow, KERAS_BACKEND="torch")
    assert "  torch on cpu" in said
    (record,) = tmp_path.glob("logs/drawn/*_tensorboard")
    assert event_files.steps(record, "epoch/loss") == [1]


def test_a_model_predicts_the_same_on_every_backend_without_the_others(
    real_data: Path, weights: Path, without_tensorflow: dict[str, str], tmp_path: Path
) -> None:
    training, predicting = scripts("mobilenet", "fc")
    where = ["--dataset", "dogs", "--percent", 20, "--data-dir", real_data, *folders(tmp_path)]
    succeed(training, *where, "--weights", weights, "--epochs", 5)
    y_prob = []
    others = [without_tensorflow | {"KERAS_BACKEND": backend} for backend in ("jax", "torch")]
    for settings in ({}, *others):
        succeed(predicting, *where, "--overwrite", **settings)
        result = tmp_path / "models/dogs/test_fc_layers_mobilenet_result.npz"
        y_prob.append(predictions.read(result, all_classes=True).y_prob)
    assert y_prob[0].shape == (45, 3)
    for other in y_prob[1:]:
        np.testing.assert_allclose(other, y_prob[0], rtol=0, atol=1e-4)
        np.testing.assert_array_equal(other.argmax(axis=1), y_prob[0].argmax(axis=1))
