"""Fit a run's model: the network's first weights, Keras' training loop, the best epoch."""

import contextlib
import gc
import logging
import math
from pathlib import Path

import keras

from sentiment import metrics, model, model_file, stratify
from sentiment.batches import Batches
from sentiment.dataset import Dataset
from sentiment.errors import UserError
from sentiment.history import History, hours_minutes_seconds
from sentiment.monitor import Monitor
from sentiment.recipe import Architecture, Recipe
from sentiment.runs import Run
from sentiment.schedule import SCHEDULES

log = logging.getLogger(__name__)


def fit(
    architecture: Architecture, recipe: Recipe, dataset: Dataset, run: Run, head_from: Path | None
) -> tuple[keras.Model, dict]:
    """Train, writing history and resources on the way.

    Args:
        head_from: the FT-F model whose FC layers FT-A starts from, or None.

    Returns:
        The model with the weights of the epoch with the best validation loss, and what
        training reached and took: epochs from 1, seconds.

    Raises:
        UserError: the first weights do not fit, or the loss is no longer a number.
    """
    network = model.build(architecture, recipe, len(dataset.class_names))
    if head_from:
        model.attach_head(network, model_file.load(head_from))
        log.info("  FC layers from %s", head_from)
    model.compile_model(network, recipe)
    learning = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    log.info("  %s weights, of which %s learn", f"{network.count_params():,}", f"{learning:,}")

    train = _batches(dataset, "train", run, recipe, shuffle_seed=recipe.seed)
    validation = _batches(dataset, "validation", run, recipe, shuffle_seed=None)
    history = History(run.history, train, recipe.epochs)
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_loss", mode="min", patience=recipe.patience, restore_best_weights=True
    )
    rate = SCHEDULES[recipe.schedule]
    with Monitor(run.resources), contextlib.closing(history):
        network.fit(
            train,
            validation_data=validation,
            epochs=recipe.epochs,
            verbose=0,
            callbacks=[
                keras.callbacks.LearningRateScheduler(lambda e: rate(e, recipe.learning_rate)),
                keras.callbacks.TerminateOnNaN(),
                stopping,
                history,
            ],
        )
    gc.collect()  # TensorFlow's iterator of an epoch cut short must not outlive Python
    best, last = history.rows[stopping.best_epoch], history.rows[-1]
    if not math.isfinite(last["loss"] + best["val_loss"]):
        raise UserError(
            f"the loss was no longer a number in epoch {last['epoch']}; no model was saved; "
            "try a lower --learning-rate"
        )
    training, validating, waiting = (
        round(sum(row[name] for row in history.rows), 3)
        for name in ("seconds", "validation_seconds", "waiting_seconds")
    )
    outcome = {
        "training_seconds": training,
        "validation_seconds": validating,
        "waiting_seconds": waiting,
        "best_epoch": best["epoch"],
        "last_epoch": last["epoch"],
        "best_val_loss": best["val_loss"],
        "best_val_accuracy": best["val_accuracy"],
        "train_images": len(train.rows),
        "validation_images": len(validation.rows),
    }
    n = len(validation.rows)
    reached = metrics.Accuracy(n, round(best["val_accuracy"] * n))
    took = hours_minutes_seconds(training)
    log.info("Best of %d epochs: %d, validation %s", last["epoch"], best["epoch"], reached)
    log.info("Training took %s, validation apart", took)
    return network, outcome


def _batches(
    dataset: Dataset, split: str, run: Run, recipe: Recipe, shuffle_seed: int | None
) -> Batches:
    stored = dataset.split(split)
    rows = stratify.subset(stored.labels, run.percent, recipe.seed)
    step = recipe.batch_size // recipe.gradient_accumulation_steps
    return Batches(stored, rows, step, shuffle_seed)
