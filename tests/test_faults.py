"""Processes killed at random moments, signals, short memory, two at once: nothing is lost."""

import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import small_checkout
from conftest import ROOT, SRC, start

pytestmark = pytest.mark.slow

EPOCHS = 3


class Work:
    """A checkout of its own with the small network, and the commands of a whole study."""

    def __init__(self, folder: Path, photos: Path):
        self.folder, self.network = folder, small_checkout.make(folder)
        (folder / "photos").symlink_to(photos)
        which = ["--dataset", "drawn", "--percent", 90]
        fc, everything = (self.script(f"{layers}_layer_train") for layers in ("fc", "all"))
        epochs = ["--epochs", EPOCHS]
        self.stages = {
            "prepare": [folder / "scripts/prepare_data.py", "dogs", "--source", "photos",
                        "--name", "drawn"],
            "train FT-F": [fc, *which, *epochs],
            "train FT-A": [everything, *which, *epochs, "--head", "trained",
                           "--checkpoint-batches", 2],
            "predict FT-F": [self.script("result_predict_fc_layer_train"), *which],
            "predict FT-A": [self.script("result_predict_all_layer_train"), *which],
        }  # fmt: skip

    def script(self, name: str) -> Path:
        return self.network / f"{name}_{small_checkout.NAME}.py"

    def start(self, stage: str, **settings: str) -> subprocess.Popen:
        command = [sys.executable, *map(str, self.stages[stage])]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, stdout=pipe, stderr=pipe, text=True,
                                env=os.environ | settings)  # fmt: skip

    def finish(self, stage: str) -> str:
        process = self.start(stage)
        said, errors = process.communicate()
        assert process.returncode == 0, said + errors
        return said

    def stop(self, stage: str, number: int, said: str) -> tuple[int, str, str]:
        """Send a signal as soon as a line with these words comes."""
        process = self.start(stage, PYTHONUNBUFFERED="1")
        lines = []
        for line in process.stdout:
            lines.append(line)
            if said in line:
                process.send_signal(number)
                break
        rest, errors = process.communicate(timeout=60)
        return process.returncode, "".join(lines) + rest, errors

    def left(self) -> dict[str, object]:
        """All that the stages made, apart from times and where it was made."""
        found: dict[str, object] = {}
        for file in sorted(self.folder.rglob("*")):
            name = str(file.relative_to(self.folder))
            top = name.split("/")[0]
            if top not in ("data", "logs", "saved_models") or not file.is_file():
                continue
            if file.suffix == ".keras":
                with zipfile.ZipFile(file) as archive:
                    found[name] = archive.read("model.weights.h5")
            elif file.suffix == ".npz":
                with np.load(file, allow_pickle=False) as arrays:
                    found[name] = {key: arrays[key].tolist() for key in arrays.files}
            elif name.endswith("_history.csv"):
                with file.open(newline="") as lines:
                    found[name] = [
                        {k: v for k, v in row.items() if "second" not in k}
                        for row in csv.DictReader(lines)
                    ]
            elif top == "data" and file.name not in ("manifest.json", "SHA256SUMS"):
                found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
            else:
                found[name] = "there"
        return found


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_training_stopped_anywhere_goes_on_bit_for_bit(
    backend: str, drawn_data: Path, tmp_path: Path
) -> None:
    cases = ["FT-A in parts"] if backend == "jax" else []  # which compiles each anew
    settings = {"KERAS_BACKEND": backend, "PYTHONPATH": f"{SRC}:{ROOT / 'tests'}"}
    script = ROOT / "tests" / "stopped_training.py"
    done = start(sys.executable, script, drawn_data, tmp_path, *cases, **settings)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def undisturbed(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Work, dict]:
    """A whole study that nothing disturbs, and the seconds of each stage."""
    work = Work(tmp_path_factory.mktemp("undisturbed"), drawn)
    seconds = {}
    for stage in work.stages:
        began = time.monotonic()
        work.finish(stage)
        seconds[stage] = time.monotonic() - began
    return work, seconds


@pytest.mark.xdist_group("faults")
def test_killed_at_random_moments_the_same_commands_end_with_the_same_bytes(
    undisturbed: tuple[Work, dict], drawn: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    calm, seconds = undisturbed
    work = Work(tmp_path, drawn)
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    stages = list(work.stages)
    kills = [stages[i % len(stages)] for i in range(request.config.getoption("--kills"))]
    for stage in stages:
        for _ in range(kills.count(stage)):
            process = work.start(stage)
            moment = seconds[stage] * moments.uniform(0.3, 1)
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.kill()
            said, errors = process.communicate()
            assert process.returncode in (0, -signal.SIGKILL), said + errors
            print(f"{stage}: {moment:.1f} s, {'killed' if process.returncode else 'finished'}")
        work.finish(stage)
    left, expected = work.left(), calm.left()
    assert left.keys() == expected.keys()
    assert [name for name in left if left[name] != expected[name]] == []


@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "")]
)
def test_a_signal_saves_at_once_and_the_same_command_goes_on(
    number: signal.Signals, code: int, word: str, undisturbed: tuple[Work, dict],
    drawn: Path, tmp_path: Path,
) -> None:  # fmt: skip
    calm, _ = undisturbed
    work = Work(tmp_path, drawn)
    work.finish("prepare")
    work.finish("train FT-F")
    returncode, said, errors = work.stop("train FT-A", number, "epoch 1/")
    assert returncode == code, said + errors
    assert word in errors
    assert "Traceback" not in errors
    assert "the same command goes on from there" in said
    assert "  goes on after " in work.finish("train FT-A")
    name = f"logs/drawn/test_all_layers_{small_checkout.NAME}_history.csv"
    assert work.left()[name] == calm.left()[name]
    assert not list(tmp_path.glob("saved_models/drawn/*checkpoint*"))


@pytest.mark.xdist_group("faults")
def test_an_unfinished_run_with_another_recipe_is_refused_with_the_difference_named(
    undisturbed: tuple[Work, dict],
) -> None:
    """Also: two runs at once, memory that is too short, a finished run."""
    calm, _ = undisturbed
    whole = [word for word in calm.stages["train FT-F"] if word not in ("--percent", 90)]
    calm.stages["whole"] = whole
    process = calm.start("whole", PYTHONUNBUFFERED="1")
    for line in process.stdout:
        if "weights, of which" in line:
            break
    second = start(sys.executable, *whole, cwd=calm.folder)
    assert second.returncode == 2
    assert f"process {process.pid} on " in second.stderr
    assert "is writing it" in second.stderr
    for line in process.stdout:
        if "epoch 1/" in line:
            break
    process.kill()
    process.communicate()

    other = start(sys.executable, *whole, "--learning-rate", 0.5, cwd=calm.folder)
    assert other.returncode == 2
    assert "made with learning_rate 0.001, this run has 0.5; give the same flags" in other.stderr
    calm.finish("whole")
    again = calm.finish("whole")
    assert "is finished; --overwrite trains it again" in again
    other = start(sys.executable, *whole, "--learning-rate", 0.5, cwd=calm.folder)
    assert other.returncode == 2
    assert "made with learning_rate 0.001, this run has 0.5; --overwrite replaces" in other.stderr

    short = start(sys.executable, *calm.stages["train FT-A"], "--overwrite", cwd=calm.folder,
                  TF_CPU_BFC_MEM_LIMIT_IN_MB="2")  # fmt: skip
    assert short.returncode == 2
    assert "--gradient-accumulation-steps 2 takes 8 and keeps updates of 16" in short.stderr
    manifest = calm.folder / f"logs/drawn/test_all_layers_{small_checkout.NAME}_run.json"
    assert json.loads(manifest.read_text())["status"] == "failed"
