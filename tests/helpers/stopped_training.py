"""Stop a training at many places, go on, and compare with the one that nobody stopped.

Command, with src and tests in PYTHONPATH:

    python tests/helpers/stopped_training.py DATA_DIR WORK_DIR [CASE ...]
"""

import contextlib
import dataclasses
import itertools
import signal
import sys
import unittest.mock
from pathlib import Path

import keras
import numpy as np

from helpers import event_files
from helpers.small_checkout import architecture
from sentiment.base import monitor
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.base.time_budget import TimeBudget
from sentiment.data.dataset import Dataset
from sentiment.engine import backend
from sentiment.model.recipe import Recipe
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training
from sentiment.training import fit
from sentiment.training.history import History

SHORT = Recipe(layers="all", weights="none", epochs=3, batch_size=64, patience=2)
CASES = {
    "FT-A": dataclasses.replace(
        SHORT, weight_decay=0.01,
        augmentation=("flip", "crop", "color", "randaugment", "mixup", "cutmix"),
    ),
    "FT-A in parts": dataclasses.replace(
        SHORT, gradient_accumulation_steps=4, optimizer="adamw", weight_decay=0.1,
        schedule="cosine", warmup_epochs=1.5, layer_decay=0.5, label_smoothing=0.1,
        ema_momentum=0.9, class_weights="balanced", augmentation=("mixup", "cutmix"),
    ),
    "FT-F until early stopping": dataclasses.replace(
        SHORT, layers="fc", epochs=4, preprocessing="dataset-mean", learning_rate=1.0, patience=1
    ),
}  # fmt: skip
STOPS = [
    ("on_train_batch_end", 1),  # in the middle of an epoch
    ("on_train_batch_end", 2),  # after its last step
    ("on_test_batch_end", 1),
    ("on_epoch_end", 1),
]
"""A method of Keras' callbacks, and at which of its calls SIGTERM comes, run after run."""


def stopping_at(
    method: str, call: int, number: int = signal.SIGTERM
) -> contextlib.AbstractContextManager:
    """Send this process a signal then, before the checkpoint's callback looks.

    SIGKILL ends the training, not the process, and leaves the files as it would.
    """
    calls, theirs = itertools.count(1), getattr(History, method)

    def stopping(self: History, *args: object, **logs: object) -> None:
        theirs(self, *args, **logs)
        if next(calls) == call:
            if number == signal.SIGKILL:
                raise Stopped
            signal.raise_signal(number)

    return unittest.mock.patch.object(History, method, stopping)


class Stopped(BaseException):
    """SIGTERM came, or SIGKILL."""


def train(
    recipe: Recipe,
    dataset: Dataset,
    work: Path,
    every: int | None = None,
    tensorboard: bool = False,
) -> tuple:
    """Train; return all weights, the history apart from times, the best epoch and the status."""
    keras.utils.set_random_seed(recipe.seed)
    run = Run("tinynet", recipe.layers, TrainingData(dataset.name), Folders(work, work, work))
    run.history.parent.mkdir(parents=True, exist_ok=True)
    wanted = Training(NETWORK, recipe, dataset, run)
    network, outcome = fit.fit(wanted, every, None, TimeBudget(60), tensorboard)
    lines = [line.split(",")[:6] for line in run.history.read_text().splitlines()]
    weights = [np.asarray(keras.ops.convert_to_numpy(v)) for v in network.variables]
    return weights, lines, outcome["best_epoch"], outcome["status"]


def train_with_stops(*args: object) -> tuple:
    """Do as `train` does, but stop at every one of STOPS and go on from there."""
    for method, call in STOPS:
        with stopping_at(method, call), contextlib.suppress(Stopped):
            return train(*args)  # the end was earlier
    with stopping_at("on_train_batch_end", 2, signal.SIGKILL), contextlib.suppress(Stopped):
        train(*args)  # to epoch 2
    with stopping_at("on_train_batch_end", 2, signal.SIGALRM):
        assert train(*args)[-1] == "stopped"  # its time is over, in epoch 2 or 3
    return train(*args)


def check_record(work: Path, undisturbed: Path, epochs: int) -> None:
    """TensorBoard finds what nobody disturbed, each step once, and the pictures of the end."""
    folder, calm = (next(place.glob("drawn/*_tensorboard")) for place in (work, undisturbed))
    assert event_files.learned(folder) == event_files.learned(calm)
    assert event_files.steps(folder, "epoch/val_loss") == list(range(1, epochs + 1))
    learned = event_files.steps(folder / "batches", "batch/loss")
    assert learned == list(range(1, learned[-1] + 1))
    assert learned[-1] % epochs == 0
    loaded = event_files.steps(folder / "batches", "system/rss_bytes")
    assert loaded == sorted(set(loaded))
    assert "validation/confusion matrix" in event_files.read(folder).Tags()["images"]


def train_with_nan(*args: object) -> tuple:
    """Do as `train` does, but go on from where a weight was no longer a number for an epoch."""
    begin = History.on_epoch_begin

    def spoil(self: History, epoch: int, logs: dict | None = None) -> None:
        begin(self, epoch, logs)
        if epoch == 1:
            weight = self.model.trainable_variables[0]
            weight.assign(np.full(weight.shape, np.nan))

    with unittest.mock.patch.object(History, "on_epoch_begin", spoil):
        try:
            train(*args)
        except UserError as error:
            assert "no longer a number in epoch 2" in str(error), error
            assert "_checkpoint.npz keeps the last good weights" in str(error), error
        else:
            raise AssertionError("nobody noticed")
    return train(*args)


def same(first: tuple, second: tuple) -> bool:
    """Whether two trainings have the same weights, bit for bit, history and best epoch."""
    return first[1:] == second[1:] and all(map(np.array_equal, first[0], second[0]))


def stop(*_: object) -> None:
    raise Stopped


def main() -> None:
    data = Dataset(Path(sys.argv[1]), "drawn")
    for case in sys.argv[3:] or CASES:
        recipe = CASES[case]
        work = Path(sys.argv[2]) / case
        on_features = recipe.layers == "fc"
        if on_features:
            one_by_one = train(recipe, data, work / "one by one")
            fit.STEPS_AT_ONCE = 2
        recorded = case == "FT-A in parts"
        undisturbed = train(recipe, data, work / "undisturbed", None, recorded)
        print(case, *undisturbed[1][1:], sep="\n  ")
        every = 2 if case == "FT-A" else None
        resumed = train_with_stops(recipe, data, work / "stopped", every, recorded)
        if recorded:
            check_record(work / "stopped", work / "undisturbed", recipe.epochs)
        assert same(resumed, undisturbed), resumed[1:]
        if on_features:
            assert len(undisturbed[1]) < 1 + recipe.epochs
            assert same(one_by_one, undisturbed), one_by_one[1:]
        if case == "FT-A":
            assert same(train_with_nan(recipe, data, work / "not a number"), undisturbed)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    backend.start(1)
    monitor.SECONDS_A_SAMPLE = 0.01
    NETWORK = architecture()
    main()
