"""Ablations: which of them apply, and a baseline with one of them from training to the table."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import small_checkout
from helpers.scripts import NETWORKS, succeed

from sentiment.experiments.ablations import ablations
from sentiment.model import networks


def applying(network: str, layers: str, *words: str) -> list[str]:
    options = ablations.Options(
        networks.NetworkChoice(network, layers), training_flags=("--weights", "none", *words)
    )
    return [v.name for v in ablations._variants(options, networks.named(network))]


def test_only_what_changes_something_is_ablated() -> None:
    assert applying("vgg19", "fc") == [
        "baseline", "no-weight-decay", "dataset-mean", "early-step", "adamw", "warm-up"
    ]  # fmt: skip
    photos = ["randaugment", "mixup", "cutmix"]
    assert applying("vgg19", "all")[-7:] == [  # it has no batch normalisation
        "fresh-head", "adamw", "warm-up", "layer-decay", *photos
    ]  # fmt: skip
    assert applying("mobilenet", "fc", "--epochs", "4", "--momentum", "0.5") == [
        "baseline", "caffe-preprocessing", "dataset-mean", "warm-up"
    ]  # fmt: skip
    assert applying(
        "mobilenet", "all", "--head", "fresh", "--schedule", "one-cycle", "--layer-decay", "0.9"
    )[-5:] == ["frozen-batch-norm", "adamw", *photos]  # fmt: skip
    on_photos = ("mobilenet", "fc", "--no-feature-cache")
    assert applying(*on_photos)[-3:] == photos
    assert not set(photos) & set(applying(*on_photos, "--augmentation", "flip"))
    for network in NETWORKS:
        assert len(applying(network, "fc")) > 1


def test_labels_are_ablated_where_a_teacher_has_taught() -> None:
    options = ablations.Options(training_flags=("--weights", "none"))
    plain, taught = (
        list(ablations._variants(options, networks.named("mobilenet"), taught))
        for taught in (False, True)
    )
    names = {variant.name: variant.run.name for variant in taught[len(plain) :]}
    assert names == {
        "teacher-labels": "teacher_fc_layers_mobilenet", "shares": "shares_fc_layers_mobilenet"
    }  # fmt: skip


@pytest.mark.slow
def test_an_ablation_is_trained_predicted_and_compared(drawn_data: Path, tmp_path: Path) -> None:
    """Also: it is not mixed with the real runs, and not repeated."""
    small_checkout.make(tmp_path / "checkout")
    script = tmp_path / "checkout/scripts/ablations.py"
    words = ["--network", small_checkout.NAME, "--dataset", "drawn", "--percent", 20, "--data-dir",
             drawn_data, "--logs-dir", tmp_path / "logs", "--models-dir", tmp_path / "models",
             "--", "--epochs", 2, "--preprocessing", "dataset-mean", "--optimizer", "adamw",
             "--warmup-epochs", 0.5]  # fmt: skip
    said = succeed(script, *words)
    assert "4 steps for drawn, 0 of them finished before" in said
    folder, name = tmp_path / "logs/drawn/ablations", "test_fc_layers_tinynet"
    with (folder / f"{name}_on_drawn.csv").open(newline="") as lines:
        baseline, caffe = csv.DictReader(lines)
    assert (baseline["variant"], caffe["variant"]) == ("baseline", "caffe-preprocessing")
    assert caffe["flags"] == "--preprocessing caffe"

    def right(variant: str) -> np.ndarray:
        models = tmp_path / "models/drawn/ablations" / variant / "drawn"
        with np.load(models / f"{name}_result.npz") as result:
            return result["y_true"] == result["y_pred"]

    ours, theirs = right("caffe-preprocessing"), right("baseline")
    assert float(baseline["accuracy"]) == theirs.mean()
    assert float(baseline["commonest"]) == pytest.approx(1 / 3, abs=0.1)
    assert re.search(r"Accuracy: .*always saying \w+: 0\.\d{4}", said)
    assert float(caffe["difference"]) == pytest.approx(ours.mean() - theirs.mean())
    assert float(caffe["alone right"]) == (ours & ~theirs).sum()
    assert float(caffe["difference low"]) <= float(caffe["difference"])
    endings = {path.name.removeprefix(f"{name}_on_drawn") for path in folder.glob(f"{name}*")}
    assert endings == {".csv", ".md", ".png", ".svg"}
    for kind in ("logs", "models"):
        assert [p.name for p in (tmp_path / kind / "drawn").iterdir()] == ["ablations"]
    assert "4 steps for drawn, 4 of them finished before" in succeed(script, *words)
