"""scripts/benchmark.py --parts whole-job: its sides, the weights they share, and its table."""

import contextlib
import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers import warm
from helpers.scripts import ROOT, refusal, succeed

from sentiment.base import cli
from sentiment.base.errors import UserError
from sentiment.benchmark import whole_job
from sentiment.benchmark.whole_job import KERAS, OURS, PYTORCH, Job, Side
from sentiment.data import prepare_data
from sentiment.inference import predict
from sentiment.model import networks
from sentiment.runs.accuracy import Accuracy
from sentiment.training import train

ORDINARY = ROOT / "src" / "sentiment" / "benchmark"


def unused(folder: Path) -> whole_job.Timed:
    raise AssertionError


@pytest.mark.slow
def test_ordinary_scripts_train_the_same_network_both_ways(
    drawn: Path, weights: Path, tmp_path: Path
) -> None:
    """On four photos of each class to learn from, and two to validate and to test on."""
    import keras
    import torch

    from sentiment.benchmark import first_weights, ordinary_pytorch

    skipped = first_weights.write(networks.named("mobilenet"), str(weights), tmp_path)
    assert skipped == {"keras": "", "pytorch": ""}
    of_keras, of_pytorch = tmp_path / first_weights.KERAS, tmp_path / first_weights.PYTORCH
    in_keras = keras.applications.MobileNetV2(
        input_shape=(224, 224, 3), include_top=False, pooling="avg", weights=str(of_keras)
    )
    in_pytorch = ordinary_pytorch.mobilenet_v2().eval()
    in_pytorch.load_state_dict(torch.load(of_pytorch, weights_only=True))
    pixels = np.random.default_rng(1).uniform(-1, 1, (1, 224, 224, 3)).astype(np.float32)
    with torch.no_grad():
        features = in_pytorch(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    expected = keras.ops.convert_to_numpy(in_keras(pixels, training=False))
    np.testing.assert_allclose(features.numpy(), expected, atol=1e-4)

    photos = tmp_path / "photos"
    for split, count in {"train": 4, "valid": 2, "test": 2}.items():
        for of_class in (drawn / split).iterdir():
            (photos / split / of_class.name).mkdir(parents=True)
            for photo in sorted(of_class.iterdir())[:count]:
                (photos / split / of_class.name / photo.name).symlink_to(photo)
    words = [photos, "--epochs", 1, 1, "--out", tmp_path, "--weights"]
    said = [
        succeed(ORDINARY / "ordinary_keras.py", *words, of_keras, **{warm.EAGERLY: "1"}),
        succeed(ORDINARY / "ordinary_pytorch.py", *words, of_pytorch, OMP_NUM_THREADS="1"),
    ]
    for text in said:
        reached = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        assert len(reached) == 2
        assert all(r["test_photos"] == 6 and 0 <= r["correct"] <= 6 for r in reached)
    assert len([*tmp_path.glob("ordinary_[01].*")]) == 4


def test_all_photos_that_can_be_decoded_are_linked_once(drawn: Path, tmp_path: Path) -> None:
    folder, counts = whole_job._as_class_folders(drawn, tmp_path)
    assert counts == {"train": 180, "validation": 45, "test": 45}
    linked = [link.resolve() for link in folder.rglob("*.*")]
    assert sorted(linked) == sorted(photo.resolve() for photo in drawn.rglob("*.*"))
    link = next(folder.rglob("*.*"))
    assert (
        link.relative_to(folder).parts[:2] == link.resolve().relative_to(drawn.resolve()).parts[:2]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_our_side_is_what_a_person_types(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every script's flags are read as the script reads them."""
    network = networks.named("mobilenet")
    commands: list[list[str]] = []

    @contextlib.contextmanager
    def noting(folder: Path) -> Iterator[Callable[[list], None]]:
        yield lambda command: commands.append([*map(str, command)])

    answers = np.array([0, 1, 2, 2])
    result = type("Result", (), {"y_true": answers, "y_pred": answers[::-1]})
    monkeypatch.setattr(whole_job.predictions, "read", lambda path, all_classes: result)
    job = Job(network, tmp_path, weights, epochs=(15, 3), batch_size=16)
    reached = list(whole_job._ours(job, tmp_path, noting))
    assert reached == [("fc", Accuracy(4, 0)), ("all", Accuracy(4, 0))]

    scripts, words = zip(*((Path(script).name, rest) for script, *rest in commands), strict=True)
    assert scripts == (
        "prepare_data.py",
        "fc_layer_train_mobilenet.py", "result_predict_fc_layer_train_mobilenet.py",
        "all_layer_train_mobilenet.py", "result_predict_all_layer_train_mobilenet.py",
    )  # fmt: skip
    prepared = cli.parse_words(prepare_data.Options, None, words[0])
    assert (prepared.kind, prepared.source) == ("folders", tmp_path)
    for number, (layers, recipe) in enumerate(network.recipes.items()):
        training, testing = words[1 + 2 * number : 3 + 2 * number]
        options = cli.parse_words(train.Options, train.Options(recipe), training)
        assert options.recipe.epochs == options.recipe.patience == (15, 3)[number]
        assert options.recipe.batch_size == 16
        assert options.recipe.freeze_batch_norm == (layers == "all")
        assert options.data.dataset == prepared.name
        tested = cli.parse_words(predict.Options, None, testing)
        assert tested.folders == options.folders


@pytest.mark.parametrize("start", [whole_job._starting, whole_job._forking])
def test_a_script_is_run_to_its_end_and_a_failed_one_named(
    start: whole_job.Start, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nopen(sys.argv[1], 'x')\n")
    with (
        pytest.raises(UserError, match=r"script.py .*made: FileExistsError"),
        start(tmp_path) as run,
    ):
        run([script, tmp_path / "made"])
        assert (tmp_path / "made").exists()
        run([script, tmp_path / "made"])


def test_the_table_says_how_long_each_took_and_whether_they_agree(tmp_path: Path) -> None:
    seconds = {OURS: {"fc": [10.0, 12.0, 11.0], "all": [50.0, 50.0, 50.0]},
               KERAS: {"fc": [120.0, 144.0, 132.0], "all": [45.0, 60.0, 55.0]}}  # fmt: skip
    right = {OURS: {"fc": 40, "all": 45}, KERAS: {"fc": 42, "all": 80}}
    sides = {
        way: Side(unused, "", taken, {k: Accuracy(90, n) for k, n in right[way].items()})
        for way, taken in seconds.items()
    }
    rows = whole_job.rows(sides | {PYTORCH: Side(unused, skipped="torch is not installed")})
    by_name = {(row["job"], row["way"]): row for row in rows}
    assert by_name["FT-F", KERAS]["times_as_long"] == 12
    assert by_name["FT-A", KERAS]["times_as_long"] == 1.1
    assert (by_name["FT-A", KERAS]["least"], by_name["FT-A", KERAS]["most"]) == (0.9, 1.2)
    assert by_name["FT-F", KERAS]["agrees"]
    assert not by_name["FT-A", KERAS]["agrees"]

    text = whole_job.table(rows)
    assert all(len(line) <= 100 for line in text[:1])
    (different,) = [line for line in text if "does not agree" in line]
    assert different.startswith("  FT-A, ordinary Keras")
    assert sum("skipped: torch is not installed" in line for line in text) == 2
    whole_job.save(rows, tmp_path / "whole_job.csv")
    with (tmp_path / "whole_job.csv").open(newline="") as lines:
        assert [row["seconds"] for row in csv.DictReader(lines)] == [
            "11.0", "132.0", "", "50.0", "55.0", "",
        ]  # fmt: skip


def test_a_folder_and_keras_weights_are_asked_for(tmp_path: Path) -> None:
    words = ["scripts/benchmark.py", "--parts", "whole-job", "--logs-dir", tmp_path]
    assert "needs a folder of photos" in refusal(*words)
    assert "in Keras' format" in refusal(*words, "--photos", tmp_path, "--weights", "a.pth")
    assert "--epochs 0" in refusal(*words, "--photos", tmp_path, "--epochs", 0, 3)
