"""Starts Keras on the machine's devices, and on those of other processes."""

import logging
import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from sentiment.base import native_output
from sentiment.base.errors import UserError
from sentiment.engine import cluster
from sentiment.engine.cluster import Cluster

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)


def compute_on_cpu() -> None:
    """Leave GPUs to others, in this process and those it starts, if none has imported Keras."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


def start(
    seed: int,
    precision: str = "float32",
    deterministic: str = "auto",
    processes: Cluster | None = None,
) -> dict:
    """Import Keras and its backend, make results repeat, and seed every generator.

    Args:
        deterministic: "on", "off", or "auto", which is on for a CPU.
        processes: the processes to meet; with them models work on all devices, without on one.

    Returns:
        For the manifest: the backend's name, its devices and the number of processes.

    Raises:
        UserError: the backend is not installed, or does not know several processes.
    """
    log.info("Starting Keras ...")
    _set_environment(deterministic)
    name = _import_keras()
    import keras

    if processes and processes.several:
        _join(processes, name)
    if name == "tensorflow":
        _start_tensorflow(deterministic)
    elif name == "torch":
        _start_torch(deterministic)
    keras.config.set_dtype_policy(precision)
    with _without_notes():  # TensorFlow, if it is there, is seeded and so imported on any backend
        keras.utils.set_random_seed(seed)
    from sentiment.engine import devices  # imports Keras

    names, count = _devices(name)[: None if processes else 1], cluster.count()
    devices.take(names)
    log.info("  %s on %s%s", name, ", ".join(names), f", {count} processes" if count > 1 else "")
    return {"backend": name, "devices": names, "processes": count}


def _set_environment(deterministic: str) -> None:
    """Set what the backends read when they are imported."""
    import psutil  # --help does without

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors, not notes on CPU features
    # TensorFlow's pool instead of malloc, which gives large blocks back to the system after
    # every use: half the time of an FT-A step of MobileNetV2 on a CPU went into page faults.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")
    megabytes = psutil.virtual_memory().total // 2**20
    os.environ.setdefault("TF_CPU_BFC_MEM_LIMIT_IN_MB", str(megabytes))
    # Otherwise JAX takes all of the GPU's memory, and its use cannot be told.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if deterministic == "on":
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()


def _import_keras() -> str:
    """Import Keras, and return the name of its backend."""
    try:
        with _without_notes():
            import keras
    except (ImportError, ValueError) as error:
        raise UserError(
            f"Keras cannot start its backend ({error}); pip install -r requirements.txt, or set "
            "KERAS_BACKEND to one that is installed: tensorflow, jax, torch"
        ) from None
    return keras.backend.backend()


def _join(processes: Cluster, name: str) -> None:
    if name != "jax":
        raise UserError(
            f"--coordinator: Keras runs on {name} here, which trains in one process; install "
            "jax and set KERAS_BACKEND=jax for several"
        )
    cluster.join(processes)


def _without_notes() -> AbstractContextManager[None]:
    """Leave out TensorFlow's notes on CPU features in the block.

    TensorFlow prints them before it has read TF_CPP_MIN_LOG_LEVEL.
    """
    return native_output.without_lines(b"I0000 ", b"WARNING: All log messages before absl")


def _devices(name: str) -> list[str]:
    """Names of the devices, such as cpu:0, or gpu:0 and gpu:1; under torch Keras takes one."""
    import keras

    if name == "torch":
        return [str(keras.ops.zeros(1).device)]
    return keras.distribution.list_devices()


def random_state() -> "list[np.ndarray]":
    """States, uint8 (n,), of the generators that are no variables of Keras: torch's.

    Returns:
        The state of the CPU's generator and of each GPU's; nothing on other backends.
    """
    import keras

    if keras.backend.backend() != "torch":
        return []
    import torch

    return [state.numpy() for state in (torch.get_rng_state(), *torch.cuda.get_rng_state_all())]


def set_random_state(states: "list[np.ndarray]") -> None:
    """Go on from what `random_state` gave on the same backend and devices."""
    import torch

    cpu, *gpus = map(torch.from_numpy, states)
    torch.set_rng_state(cpu)
    torch.cuda.set_rng_state_all(gpus)


def out_of_memory(error: Exception) -> bool:
    """Whether an error means that the device or the machine had no memory left."""
    # Each backend says so in its own words.
    words = ("RESOURCE_EXHAUSTED", "ResourceExhausted", "OutOfMemory", "OOM when allocating")
    text = f"{type(error).__name__}: {error}"
    return isinstance(error, MemoryError) or any(word in text for word in words)


def _start_tensorflow(deterministic: str) -> None:
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # it warns of every network that a process traces anew
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        # Otherwise TensorFlow takes all of the GPU's memory, and its use cannot be told.
        tf.config.experimental.set_memory_growth(gpu, True)
    if gpus and deterministic == "on":
        tf.config.experimental.enable_op_determinism()
    if not gpus and deterministic != "off":
        # Ops in parallel add up in another order each run; threads inside an op do not.
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _start_torch(deterministic: str) -> None:
    import torch
    from keras.src.backend.torch import nn

    # Keras 3.15 copies what a convolution takes twice: here into rows of each channel, and in
    # `nn.conv` back. A view does as well; the same bits, in 0.8 of MobileNetV2's FT-A step.
    nn._transpose_spatial_inputs = lambda inputs: torch.movedim(inputs, -1, 1)
    if deterministic == "on":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or CUDA refuses
        torch.use_deterministic_algorithms(True)
