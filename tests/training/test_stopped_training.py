"""Trainings killed at random moments, stopped by signals, two at once: nothing is lost."""

import copy
import csv
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import event_files, small_checkout, warm
from helpers.scripts import ROOT, SRC, start

pytestmark = pytest.mark.slow

EPOCHS = 3

WITH_TIMES = ("manifest.json", "manifest_copy.json", "SHA256SUMS")


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
                           "--checkpoint-batches", 2, "--tensorboard"],
            "predict": [self.script("result_predict_all_layer_train"), *which],
        }  # fmt: skip

    def copy(self, folder: Path) -> "Work":
        """A copy of the checkout with all that has been made, in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        copied = copy.copy(self)
        copied.folder, copied.network = folder, folder / self.network.relative_to(self.folder)
        copied.stages = {
            name: [folder / word.relative_to(self.folder) if isinstance(word, Path) else word
                   for word in command]
            for name, command in self.stages.items()
        }  # fmt: skip
        return copied

    def script(self, name: str) -> Path:
        return self.network / f"{name}_{small_checkout.NAME}.py"

    def start(self, stage: str) -> warm.Process:
        return warm.Process(self.stages[stage], os.environ, self.folder)

    def finish(self, stage: str) -> str:
        process = self.start(stage)
        said, errors = process.communicate()
        assert process.returncode == 0, said + errors
        return said

    def stop(self, stage: str, number: int, said: str) -> tuple[int, str, str]:
        """Send a signal as soon as a line with these words comes."""
        process = self.start(stage)
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
        left: dict[str, object] = {}
        for file in sorted(self.folder.rglob("*")):
            name = str(file.relative_to(self.folder))
            top = name.split("/")[0]
            if top not in ("data", "logs", "saved_models") or not file.is_file():
                continue
            if file.name.startswith((".", "events.")):  # locks, and a record's parts
                continue
            if file.suffix == ".keras":
                with zipfile.ZipFile(file) as archive:
                    left[name] = archive.read("model.weights.h5")
            elif file.suffix == ".npz":
                with np.load(file, allow_pickle=False) as arrays:
                    left[name] = {
                        key: arrays[key].tolist() for key in arrays.files if key != "made_from"
                    }
            elif name.endswith("_history.csv"):
                with file.open(newline="") as lines:
                    left[name] = [
                        {k: v for k, v in row.items() if "second" not in k}
                        for row in csv.DictReader(lines)
                    ]
            elif top == "data" and file.name not in WITH_TIMES:
                left[name] = hashlib.sha256(file.read_bytes()).hexdigest()
            else:
                left[name] = "there"
        for folder in self.folder.glob("logs/*/*_tensorboard"):
            left[folder.name] = event_files.learned(folder)
        return left


def in_one_process(script: str, *words: object, **settings: str) -> None:
    """Run one of the tests' own scripts, which starts Keras once for many trainings."""
    settings |= {"PYTHONPATH": f"{SRC}:{ROOT / 'tests'}"}
    done = start(sys.executable, ROOT / "tests" / "helpers" / script, *words, **settings)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("on", ["tensorflow", "jax", "torch"])
def test_training_stopped_anywhere_goes_on_bit_for_bit(
    on: str, drawn_data: Path, tmp_path: Path
) -> None:
    cases = {
        "tensorflow": [],
        "jax": ["FT-A in parts"],  # compiles each anew
        "torch": ["FT-A in parts", "FT-F until early stopping"],
    }[on]
    in_one_process("stopped_training.py", drawn_data, tmp_path, *cases, KERAS_BACKEND=on)


def test_writes_that_fail_leave_no_damaged_file_and_training_goes_on(
    drawn_data: Path, tmp_path: Path
) -> None:
    in_one_process("failing_writes.py", drawn_data, tmp_path)


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
    number: signal.Signals,
    code: int,
    word: str,
    undisturbed: tuple[Work, dict],
    tmp_path: Path,
) -> None:
    calm, _ = undisturbed
    work = calm.copy(tmp_path)
    work.stages["again"] = [*work.stages["train FT-A"], "--overwrite"]
    returncode, said, errors = work.stop("again", number, "epoch 1/")
    assert returncode == code, said + errors
    assert word in errors
    assert "Traceback" not in errors
    assert "the same command goes on from there" in said
    assert "  goes on after " in work.finish("again")
    name = f"logs/drawn/test_all_layers_{small_checkout.NAME}_history.csv"
    assert work.left()[name] == calm.left()[name]
    assert not list(tmp_path.glob("saved_models/drawn/*checkpoint*"))


@pytest.mark.xdist_group("faults")
def test_two_at_once_other_recipes_and_finished_runs(
    undisturbed: tuple[Work, dict], tmp_path: Path
) -> None:
    work = undisturbed[0].copy(tmp_path)
    whole = [word for word in work.stages["train FT-F"] if word not in ("--percent", 90)]
    work.stages["whole"] = whole

    def refusal(*words: object) -> str:
        process = warm.Process(words, os.environ, work.folder)
        said, errors = process.communicate()
        assert process.returncode == 2, said + errors
        assert "Traceback" not in errors
        return errors

    process = work.start("whole")
    for line in process.stdout:
        if "epoch 2/" in line:  # the first one's checkpoint is there
            process.send_signal(signal.SIGSTOP)
            break
    assert f"process {process.pid} on " in refusal(*whole)
    process.kill()
    process.communicate()

    other = [*whole, "--learning-rate", 0.5]
    differs = "made with learning_rate 0.001, this run has 0.5"
    assert f"{differs}; give the same flags" in refusal(*other)
    work.finish("whole")
    assert "is finished; --overwrite trains it again" in work.finish("whole")
    assert f"{differs}; --overwrite replaces" in refusal(*other)
