"""Train and predict with the small network on all devices and processes there are.

Command, with src and tests in PYTHONPATH, once for each process:

    python tests/helpers/trained_together.py DATA_DIR WORK_DIR [HOST:PORT PROCESSES NUMBER]

With LOGICAL_CPUS=2 TensorFlow takes the CPU for two devices.
"""

import contextlib
import dataclasses
import json
import logging
import os
import sys
import unittest.mock
from pathlib import Path

from sentiment.engine import backend, cluster
from sentiment.engine.cluster import Cluster
from sentiment.model.recipe import Recipe

SHORT = Recipe(layers="all", weights="none", epochs=3, batch_size=24, learning_rate=0.01)
RECIPES = {
    "FT-F": dataclasses.replace(SHORT, layers="fc", class_weights="balanced"),
    "FT-A": dataclasses.replace(
        SHORT, optimizer="adamw", weight_decay=0.1, warmup_epochs=1, layer_decay=0.5
    ),
}
"""The last batch of 180 training images has 12, that of 45 validation images has 21."""


def start() -> None:
    coordinator = sys.argv[3:]
    processes = Cluster(None, None, None)
    if coordinator:
        processes = Cluster(coordinator[0], int(coordinator[1]), int(coordinator[2]))
    if "LOGICAL_CPUS" in os.environ:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        number = int(os.environ["LOGICAL_CPUS"])
        several = [tf.config.LogicalDeviceConfiguration()] * number
        tf.config.set_logical_device_configuration(cpu, several)
    # Otherwise what TensorFlow does on one logical CPU waits for what it does on another.
    several_cpus = "LOGICAL_CPUS" in os.environ
    backend.start(1, deterministic="off" if several_cpus else "auto", processes=processes)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    start()

    import keras
    import numpy as np

    from helpers import event_files
    from helpers.small_checkout import architecture
    from sentiment.base.project import Folders
    from sentiment.base.time_budget import TimeBudget
    from sentiment.data.dataset import Dataset
    from sentiment.engine import devices
    from sentiment.engine.batches import Batches, predicted
    from sentiment.runs.run_files import Run, TrainingData
    from sentiment.runs.training_plan import Training
    from sentiment.training import class_weights, fit
    from sentiment.training.pace import _Steps

    # The drawn pictures' own are all 1, by which no image could get another's.
    class_weights.balanced = lambda counts: dict(zip(counts, (0.5, 1.0, 1.5), strict=True))
    data, work = Dataset(Path(sys.argv[1]), "drawn"), Path(sys.argv[2])
    # On TensorFlow each device draws its own dropout.
    network = architecture(0.5 if keras.backend.backend() == "jax" else 0.0)
    found = {"devices": devices.taken().count, "processes": cluster.count()}
    for name, recipe in RECIPES.items():
        if recipe.layers == "all" and keras.backend.backend() == "jax":
            # On TensorFlow each device mixes photos of its own part.
            recipe = dataclasses.replace(recipe, augmentation=("mixup", "cutmix"))
        keras.utils.set_random_seed(recipe.seed)
        run = Run("tinynet", recipe.layers, TrainingData(data.name), Folders(work, work, work))
        run.history.parent.mkdir(parents=True, exist_ok=True)
        wanted = Training(network, recipe, data, run)
        if cluster.count() > 1:
            # The second process alone believes that no other epoch fits; both stop after the first.
            with contextlib.ExitStack() as believing:
                if not cluster.is_first():
                    slow = unittest.mock.patch.object(_Steps, "seconds_each", 3600)
                    believing.enter_context(slow)
                _, stopped = fit.fit(wanted, None, budget=TimeBudget(10), tensorboard=True)
            assert (stopped["status"], stopped["last_epoch"]) == ("stopped", 1)
        trained, _ = fit.fit(wanted, None, tensorboard=True)
        if cluster.is_first():
            # Only the first one writes, and what it writes TensorBoard finds once.
            steps = event_files.steps(run.tensorboard, "epoch/val_loss")
            assert steps == list(range(1, recipe.epochs + 1))
            lines = [line.split(",")[1:5] for line in run.history.read_text().splitlines()[1:]]
            found[name] = [list(map(float, line)) for line in lines]
        test = data.split("test")
        in_order = Batches(test, np.arange(len(test)), 20, shuffle_seed=None)
        whole = devices.taken().whole(trained)
        blocks = predicted(whole, in_order, lambda count: None)
        found[f"{name} predictions"] = np.concatenate([*blocks]).tolist()
    if cluster.is_first():
        (work / "found.json").write_text(json.dumps(found))
    cluster.barrier()


if __name__ == "__main__":
    main()
