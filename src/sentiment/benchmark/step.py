"""FT-A's steps fed from the store, on one batch in memory, in bfloat16, and in plain PyTorch."""

import dataclasses
import importlib.util
import time
from collections.abc import Callable

import keras
import numpy as np

from sentiment.benchmark.timing import Comparison, compare
from sentiment.data.dataset import Dataset
from sentiment.engine.batches import Batches, fed
from sentiment.model.build import build_model
from sentiment.model.networks import Network
from sentiment.training.optimizer import build_optimizer, compile_model

RESIDENT = "the same steps on one batch in memory"


class Resident(keras.utils.PyDataset):
    """A data set that gives one batch `count` times."""

    def __init__(self, batch: tuple[np.ndarray, np.ndarray], count: int):
        super().__init__()
        self.batch, self.count = batch, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.batch


def compare_steps(
    network: Network, dataset: Dataset, batch_size: int, steps: int, rounds: int
) -> Comparison:
    """Time `steps` steps of FT-A, from random weights."""
    stored = dataset.split("train")
    rows = np.arange(min(len(stored), steps * batch_size) // batch_size * batch_size)
    batches = Batches(stored, rows, batch_size, shuffle_seed=1)
    resident = Resident(batches[0], len(batches))
    learners = {
        precision: compiled(network, dataset, precision)
        for precision in ("float32", "mixed_bfloat16")
    }

    def fit(precision: str, data: keras.utils.PyDataset) -> float:
        started = time.perf_counter()
        learners[precision].fit(fed(data), shuffle=False, verbose=0)
        return (time.perf_counter() - started) / len(rows)

    def from_store() -> float:
        batches.start_epoch(0)
        return fit("float32", batches)

    ways = {
        RESIDENT: lambda: fit("float32", resident),
        "an epoch from the store": from_store,
        "in mixed_bfloat16, on one batch in memory": lambda: fit("mixed_bfloat16", resident),
    }
    if importlib.util.find_spec("torch") and importlib.util.find_spec("transformers"):
        ways["MobileNetV2 in plain PyTorch (transformers)"] = _torch_step(resident, len(rows))
    title = f"{network.architecture.title} FT-A, {len(batches)} steps of {batch_size} images"
    return compare(title, RESIDENT, ways, rounds)


def compiled(network: Network, dataset: Dataset, precision: str) -> keras.Model:
    """FT-A's model with random weights, compiled for training."""
    keras.config.set_dtype_policy(precision)
    recipe = dataclasses.replace(network.recipes["all"], weights="none", head="fresh")
    learner = build_model(network.architecture, recipe, len(dataset.class_names))
    compile_model(learner, build_optimizer(recipe, recipe.learning_rate))
    keras.config.set_dtype_policy("float32")
    return learner


def _torch_step(resident: Resident, images: int) -> Callable[[], float]:
    """Steps of MobileNetV2 on a batch in memory, in a plain PyTorch loop."""
    import torch
    from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

    device = "cuda" if torch.cuda.is_available() else "cpu"
    learner = MobileNetV2ForImageClassification(MobileNetV2Config(num_labels=3)).to(device)
    learner.train()
    optimizer = torch.optim.SGD(learner.parameters(), lr=1e-3, momentum=0.9)

    def work() -> float:
        started = time.perf_counter()
        for index in range(len(resident)):
            pixels, labels = resident[index]
            inputs = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2) / 127.5 - 1
            classes = torch.from_numpy(labels).long().to(device)
            optimizer.zero_grad()
            learner(inputs, labels=classes).loss.backward()
            optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - started) / images

    return work
