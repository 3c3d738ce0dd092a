"""The state of all work: told right, within 100 columns, and without a touch."""

import json
import os
import shlex
import signal
import time
from pathlib import Path

import pytest
from helpers import small_checkout, warm
from helpers.scripts import succeed
from helpers.stopped_preparation import options
from helpers.stopping import stopped

from sentiment.base import journal
from sentiment.base.project import Folders
from sentiment.data import prepare_data
from sentiment.runs import status, work
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.work import Work


def folders(place: Path) -> Folders:
    return Folders(place / "data", place / "logs", place / "saved_models")


def only(found: list[Work]) -> Work:
    (alone,) = found
    return alone


def seen(place: Path) -> dict[Path, tuple]:
    """All files, with all that a touch would change."""
    stats = {path: path.stat() for path in sorted(place.rglob("*"))}
    return {
        path: (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size) for path, stat in stats.items()
    }


@pytest.mark.usefixtures("small_blocks")
def test_a_stopped_preparation_says_how_far_it_is_and_what_goes_on(
    noise: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = folders(tmp_path)
    there.data_dir.mkdir()
    with stopped(monkeypatch, journal.Journal, "add", 2):
        prepare_data.prepare(options(noise, there.data_dir))
    monkeypatch.setattr(work.files, "worked_on", lambda path: False)  # this process lives on
    before = seen(tmp_path)
    found = only(list(work.prepared(there)))
    assert seen(tmp_path) == before
    assert (found.name, found.state, found.progress) == ("noise", "stopped", "train 33 of 57")
    _, script, *words = shlex.split(found.command)
    succeed(script, *words, "--max-bad-percent", 10)
    found = only(list(work.prepared(there)))
    assert (found.state, found.command) == ("prepared", "")
    assert found.progress == "train 56, validation 6, test 7; 2 classes"


@pytest.mark.slow
def test_a_training_is_running_until_it_is_killed(drawn_data: Path, tmp_path: Path) -> None:
    network = small_checkout.make(tmp_path / "checkout")
    script = network / f"fc_layer_train_{network.name}.py"
    there = Folders(drawn_data, tmp_path / "logs", tmp_path / "models")
    words = [script, "--dataset", "drawn", "--epochs", 500, "--patience", 500, *there.flags]
    process = warm.Process(words, dict(os.environ))
    history = there.logs_dir / "drawn" / f"fc_layers_{network.name}_history.csv"
    while not history.exists() or history.read_text().count("\n") < 4:
        assert process.returncode is None
        time.sleep(0.05)
    found = only(list(work.trained(there)))
    assert (found.name, found.state) == (f"drawn/fc_layers_{network.name}", "running")
    assert " of 500, at most 0:" in found.progress
    assert not found.command
    process.kill()
    process.wait(60)
    before = seen(tmp_path)
    found = only(list(work.trained(there)))
    assert seen(tmp_path) == before
    epochs = history.read_text().count("\n") - 1
    assert (found.state, found.progress) == ("stopped", f"after epoch {epochs} of 500")
    again = warm.Process(shlex.split(found.command)[1:], dict(os.environ))
    while history.read_text().count("\n") < epochs + 3:
        assert again.returncode is None
        time.sleep(0.05)
    again.send_signal(signal.SIGTERM)
    assert again.wait(60) == 143
    assert only(list(work.trained(there))).state == "stopped"


def manifest(there: Folders, name: str, **changed: object) -> None:
    architecture, layers = name.removeprefix("all_layers_"), "all"
    content = {
        "status": "finished", "dataset": "t4sa", "percent": 100.0, "architecture": architecture,
        "recipe": {"layers": layers, "epochs": 15}, "start": "2026-01-01T00:00:00+00:00",
        "best_epoch": 4, "last_epoch": 9, "best_val_accuracy": 0.5, "machine": "elsewhere",
        "command": ["/usr/bin/python", "src/x/train.py", "--weights", "a name with spaces" * 9],
    }  # fmt: skip
    file = there.logs_dir / "t4sa" / f"{name}_run.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content | changed))


def test_what_the_files_say_is_told_in_a_table(
    tmp_path: Path, without_tensorflow: dict[str, str]
) -> None:
    there = folders(tmp_path)
    said = succeed("scripts/status.py", *there.flags, **without_tensorflow)
    assert said.startswith("Nothing is in ")
    manifest(there, "all_layers_mobilenet")
    models = there.models_dir / "t4sa"
    models.mkdir(parents=True)
    for name in ("mobilenet.keras", "mobilenet.tflite", "mobilenet_result.npz", "vgg19.keras"):
        (models / f"all_layers_{name}").write_bytes(bytes(3_000_000))
    (models / ".all_layers_efficientnetv2.keras.lock").write_text("process 1 on elsewhere is w")
    (models / ".all_layers_inceptionresnetv2.keras.lock").write_text("process 1 on elsewhere is w")
    manifest(there, "all_layers_efficientnetv2", status="running")
    manifest(there, "all_layers_inceptionresnetv2", status="running")
    old = there.logs_dir / "t4sa" / "all_layers_inceptionresnetv2_run.json"
    os.utime(old, (1, 1))
    manifest(there, "all_layers_elsewhere")
    (models / "all_layers_elsewhere.keras").touch()
    manifest(there, "all_layers_vgg19", status="failed", error="UserError: the disk\nis full")
    manifest(there, "all_layers_efficientnetlite", status="failed", error="Terminated: SIGTERM")
    (there.logs_dir / "t4sa" / "bad_run.json").write_text("{")
    trial = there.logs_dir / "t4sa/sweep_fc_layers_mobilenet/trials/KEY/t4sa/x_trial.json"
    trial.parent.mkdir(parents=True)
    trial.touch()
    states = {work.name.removeprefix("t4sa/all_layers_"): work for work in work.trained(there)}
    assert {name: work.state for name, work in states.items()} == {
        "mobilenet": "tested", "efficientnetv2": "running", "inceptionresnetv2": "stopped",
        "elsewhere": "trained", "vgg19": "failed", "efficientnetlite": "stopped",
    }  # fmt: skip
    assert states["mobilenet"].progress == (
        "best epoch 4 of 9, validation accuracy 0.5000; tested on t4sa; exported: .tflite 3.0 MB"
    )
    assert states["vgg19"].progress.endswith("UserError: the disk is full")
    said = succeed("scripts/status.py", *there.flags)
    command = " ".join(states["vgg19"].command.split())
    assert command in said.replace(" \\\n       ", "")
    assert "1 trials finished; the same command goes on" in said
    long = [line for line in said.splitlines() if len(line) > status.WIDTH]
    assert not [line for line in long if "a name with spaces" not in line]


def test_runs_with_chosen_labels_and_imported_models_bear_their_names(tmp_path: Path) -> None:
    there = folders(tmp_path)
    data = TrainingData("tweets", labels="shares", temperature=2)
    run = Run("mobilenet", "fc", data, there)
    (there.models_dir / "tweets").mkdir(parents=True)
    run.model.write_bytes(b"a model")
    manifest = {
        "architecture": "mobilenet", "dataset": "tweets", "percent": 100, "status": "finished",
        "recipe": {"layers": "fc", "epochs": 3}, "choices": data.choices, "start": "2026-01-01",
    }  # fmt: skip
    run.manifest.parent.mkdir(parents=True)
    run.manifest.write_text(json.dumps(manifest))
    imported = {"architecture": "vgg19", "dataset": "paper", "imported": {"file": "vgg19.pth"}}
    (there.logs_dir / "paper").mkdir()
    (there.logs_dir / "paper" / "all_layers_vgg19_run.json").write_text(json.dumps(imported))
    found = {each.name: each for each in work.trained(there)}
    assert list(found) == ["paper/all_layers_vgg19", "tweets/shares_fc_layers_mobilenet"]
    assert found["paper/all_layers_vgg19"].state == "imported"
    shares = found["tweets/shares_fc_layers_mobilenet"]
    assert (shares.state, shares.bytes) == ("trained", 7)
    assert "--labels shares --temperature 2" in shares.command
