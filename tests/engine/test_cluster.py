"""Several processes and devices: they learn and predict what one does, and end together."""

import ast
import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import event_files, small_checkout
from helpers.scripts import ROOT, SRC, refusal, succeed

from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.arrays import CHUNK
from sentiment.engine import cluster, devices
from sentiment.engine.batches import Batches
from sentiment.runs import work

TRAIN = "src/mobilenet/fc_layer_train_mobilenet.py"
TOGETHER = ["--coordinator", "localhost:1", "--num-processes", 2]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--num-processes", 2], "--num-processes and --process-id need --coordinator HOST:PORT"),
        (["--coordinator", "localhost"], "--coordinator localhost: expected HOST:PORT, or auto"),
        (TOGETHER, "needs --num-processes and --process-id"),
        ([*TOGETHER, "--process-id", 2], "--process-id 2: expected 0 to 1"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_flags_that_do_not_fit_get_one_line(flags: list, expected: str) -> None:
    assert expected in refusal(TRAIN, *flags)


def test_the_environment_gives_the_flags() -> None:
    settings = {"JAX_COORDINATOR_ADDRESS": "localhost:1", "JAX_NUM_PROCESSES": "2"}
    assert "--process-id 5: expected 0 to 1" in refusal(TRAIN, **settings, JAX_PROCESS_ID="5")
    assert "JAX_PROCESS_ID=x: expected a number" in refusal(TRAIN, **settings, JAX_PROCESS_ID="x")


def test_only_the_first_process_makes_an_answer_and_a_context(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    def make() -> bool:
        made.append(True)
        return True

    assert cluster.from_first(make)
    with cluster.on_first(lambda: contextlib.nullcontext("there")) as context:
        assert context == "there"
    monkeypatch.setattr(cluster, "_this", cluster._Process(number=1, count=2))
    monkeypatch.setattr(cluster, "_gathered", lambda value: np.array([7, value]))
    assert cluster.from_first(make) == 7
    with cluster.on_first(lambda: pytest.fail("made")) as context:
        assert context is None
    assert len(made) == 1
    assert (cluster.maximum(9), cluster.maximum(3)) == (9, 7)


def test_plans_that_differ_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = ({"seed": seed, "batch size": 64} for seed in (1, 2))
    cluster.check_equal(first)

    def gathered(value: int | list[int]) -> np.ndarray:
        of_second = value if isinstance(value, int) else list(json.dumps(second).encode())
        return np.array([value, of_second])

    monkeypatch.setattr(cluster, "_gathered", gathered)
    with pytest.raises(UserError, match="process 1 has seed 2, process 0 has 1; give all"):
        cluster.check_equal(first)


COLLECTIVES = {"from_first", "maximum", "barrier", "check_equal"}


def collectives(node: ast.AST) -> set[str]:
    """The collectives that are called in a piece of code."""
    called = {x.attr for x in ast.walk(node) if isinstance(x, ast.Attribute)}
    return called & COLLECTIVES


@pytest.mark.parametrize(
    "file", sorted((SRC / "sentiment").rglob("*.py")), ids=lambda path: path.stem
)
def test_no_collective_stands_where_the_first_process_is_alone(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If | ast.IfExp) and "is_first" in ast.unparse(node.test):
            branches = [*ast.iter_child_nodes(node)]
            assert not any(map(collectives, branches)), ast.unparse(node)
        called = isinstance(node, ast.Call) and ast.unparse(node.func)
        if called in ("cluster.on_first", "cluster.from_first"):
            assert not any(map(collectives, node.args)), ast.unparse(node)


class OneOf(devices.Devices):
    """A device of several, each in its own process."""

    def __init__(self, count: int, number: int):
        self.count, self.number = count, number

    def share(self, size: int) -> slice:
        part = size // self.count if size % self.count == 0 else size
        return slice(self.number * part % size, self.number * part % size + part)


class Rows:
    """A split whose images are their numbers."""

    shape, dtype = (3000, 1), np.dtype(np.int64)
    labels = np.arange(3000, dtype=np.int32)

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        for row, place in zip(rows, places, strict=True):
            place[...] = row


def test_processes_share_the_batches_of_one_and_most_chunks_are_read_by_one(monkeypatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")

    def epoch(count: int, number: int) -> list[np.ndarray]:
        monkeypatch.setattr(devices, "_devices", OneOf(count, number))
        batches = Batches(Rows(), np.arange(3000), 64, shuffle_seed=1)
        given = [batches[index] for index in range(len(batches))]
        assert all((inputs[:, 0] == labels).all() for inputs, labels in given)
        return [labels for _, labels in given]

    alone = epoch(1, 0)
    halves = [epoch(2, number) for number in range(2)]
    for whole, *parts in zip(alone, *halves, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    opened = sum(len(np.unique(np.concatenate(half) // CHUNK)) for half in halves)
    assert opened < 1.3 * 3000 / CHUNK


@pytest.fixture(scope="module")
def compiled(
    tmp_path_factory: pytest.TempPathFactory, without_tensorflow: dict[str, str]
) -> dict[str, str]:
    """Settings that let JAX compile quickly, and once, where there is no TensorFlow."""
    return without_tensorflow | {
        "KERAS_BACKEND": "jax",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    }


def port() -> int:
    """A port that is free."""
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        return listening.getsockname()[1]


def is_free(number: int) -> bool:
    with socket.socket() as listening:
        return listening.connect_ex(("localhost", number)) != 0


def begin(*command: object, **settings: str) -> subprocess.Popen:
    path = [str(SRC), str(ROOT / "tests"), settings.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=os.environ | settings | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def slurm_tasks(count: int) -> list[dict[str, str]]:
    """The environment that `srun` gives each of its tasks on this machine."""
    first_port = 2**16 - 2**12  # JAX adds the job's number
    job = next(job for job in range(1, 2**12) if is_free(first_port + job))
    settings = {"SLURM_JOB_ID": job, "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": count}
    tasks = [settings | {"SLURM_PROCID": n, "SLURM_LOCALID": n} for n in range(count)]
    return [{name: str(value) for name, value in task.items()} for task in tasks]


def trained(drawn_data: Path, work: Path, processes: int, **settings: str) -> dict:
    """Losses and predictions that `trained_together.py` has written."""
    command = [ROOT / "tests" / "helpers" / "trained_together.py", drawn_data, work]
    where = [f"localhost:{port()}", processes] if processes > 1 else []
    began = [
        begin(*command, *where, *([number] if where else []), **settings)
        for number in range(processes)
    ]
    for process in began:
        said, errors = process.communicate()
        assert process.returncode == 0, said + errors
    return json.loads((work / "found.json").read_text())


@pytest.fixture(scope="module")
def alone(drawn_data: Path, compiled: dict, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Losses and predictions of one process on one device."""
    return trained(drawn_data, tmp_path_factory.mktemp("alone"), 1, **compiled)


def assert_same(found: dict, expected: dict) -> None:
    for name in ("FT-F", "FT-A"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, err_msg=name)
        predictions = f"{name} predictions"
        np.testing.assert_allclose(found[predictions], expected[predictions], atol=1e-5)


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
def test_two_processes_of_four_devices_learn_and_predict_what_one_does(
    alone: dict, drawn_data: Path, compiled: dict, tmp_path: Path
) -> None:
    succeed("scripts/features.py", "clear", "--data-dir", drawn_data)  # they share the extraction
    four = compiled["XLA_FLAGS"] + " --xla_force_host_platform_device_count=4"
    together = trained(drawn_data, tmp_path, 2, **(compiled | {"XLA_FLAGS": four}))
    assert (together["devices"], together["processes"]) == (8, 2)
    assert_same(together, alone)


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
def test_two_devices_of_tensorflow_learn_and_predict_what_one_does(
    drawn_data: Path, tmp_path: Path
) -> None:
    found = [
        trained(drawn_data, tmp_path / name, 1, KERAS_BACKEND="tensorflow", **settings)
        for name, settings in {"one": {}, "two": {"LOGICAL_CPUS": "2"}}.items()
    ]
    assert found[1]["devices"] == 2
    assert_same(*found)


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
def test_a_task_of_slurm_killed_ends_the_others_in_a_line_and_one_process_goes_on(
    alone: dict, drawn_data: Path, compiled: dict, tmp_path: Path
) -> None:
    network = small_checkout.make(tmp_path / "checkout")
    command = [network / "all_layer_train_tinynet.py", "--dataset", "drawn", "--data-dir",
               drawn_data, "--logs-dir", tmp_path / "logs", "--models-dir", tmp_path / "models",
               "--batch-size", 24, "--learning-rate", 0.01, "--augmentation", "mixup", "cutmix",
               "--optimizer", "adamw", "--weight-decay", 0.1, "--warmup-epochs", 1,
               "--layer-decay", 0.5, "--tensorboard", "--epochs"]  # fmt: skip
    together = ["--checkpoint-batches", 1, "--coordinator", "auto"]
    began = [begin(*command, 3, *together, **compiled, **task) for task in slurm_tasks(2)]
    checkpoint = tmp_path / "models" / "drawn" / "all_layers_tinynet_checkpoint.npz"
    while not checkpoint.exists():
        assert began[0].poll() is None, began[0].communicate()
        time.sleep(0.05)
    there = Folders(drawn_data, tmp_path / "logs", tmp_path / "models")
    assert [(run.name, run.state) for run in work.trained(there)] == [
        ("drawn/all_layers_tinynet", "running")
    ]
    began[1].send_signal(signal.SIGKILL)
    _, errors = began[0].communicate(timeout=60)
    assert began[0].returncode == 2, errors
    assert errors.splitlines()[-1].startswith("error: another process of this run has ended")
    began[1].communicate()

    said = succeed(*command, 3, **compiled)
    assert "goes on after" in said
    history = tmp_path / "logs" / "drawn" / "all_layers_tinynet_history.csv"
    with history.open(newline="") as lines:
        rows = [list(map(float, list(row.values())[1:5])) for row in csv.DictReader(lines)]
    np.testing.assert_allclose(rows, alone["FT-A"], rtol=1e-5)
    losses = [loss for loss, *_ in rows]
    recorded = event_files.learned(history.with_name("all_layers_tinynet_tensorboard"))
    np.testing.assert_allclose(recorded["epoch/loss"], [*enumerate(losses, 1)], rtol=1e-5)
    assert [step for step, _ in recorded["batch/loss"]] == list(range(1, 3 * 8 + 1))
