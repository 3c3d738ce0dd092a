"""Fit a run's model: the network's first weights, Keras' training loop, the best epoch."""

import contextlib
import gc
import logging
import math
from pathlib import Path

import keras
import numpy as np

from sentiment import extract, metrics, model, model_file, stratify
from sentiment.batches import Batches, reading
from sentiment.dataset import Dataset
from sentiment.errors import UserError
from sentiment.history import History
from sentiment.monitor import Monitor
from sentiment.progress import hours_minutes_seconds
from sentiment.recipe import Architecture, Recipe
from sentiment.runs import Run
from sentiment.schedule import SCHEDULES
from sentiment.store import Split

log = logging.getLogger(__name__)

SHUFFLED = {"train": True, "validation": False}
"""The splits that training reads."""


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
    learning = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    log.info("  %s weights, of which %s learn", f"{network.count_params():,}", f"{learning:,}")

    step = recipe.batch_size // recipe.gradient_accumulation_steps
    stored = {split: dataset.split(split) for split in SHUFFLED}
    rows = {split: rows_of(of, run, recipe) for split, of in stored.items()}
    optimizer = model.sgd(recipe)
    with Monitor(run.resources):
        learner, extraction_seconds = network, 0.0
        if recipe.layers == "fc" and recipe.feature_cache:
            learner = network.get_layer("head")
            stored = {
                split: extract.features(network, architecture, recipe, dataset, split, of, step)
                for split, of in rows.items()
            }
            extraction_seconds = sum(features.seconds for features in stored.values())
        train, validation = (
            Batches(stored[split], rows[split], step, recipe.seed if shuffled else None)
            for split, shuffled in SHUFFLED.items()
        )
        model.compile_model(learner, optimizer)
        history, best_epoch = _epochs(learner, train, validation, recipe, run.history)
    if learner is not network:
        model.compile_model(network, optimizer)  # a whole model, saved with its optimizer

    best, last = history[best_epoch], history[-1]
    if not math.isfinite(last["loss"] + best["val_loss"]):
        raise UserError(
            f"the loss was no longer a number in epoch {last['epoch']}; no model was saved; "
            "try a lower --learning-rate"
        )
    training, validating, waiting = (
        round(sum(row[name] for row in history), 3)
        for name in ("seconds", "validation_seconds", "waiting_seconds")
    )
    outcome = {
        "training_seconds": training,
        "extraction_seconds": round(extraction_seconds, 3),
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
    if extraction_seconds:
        log.info("  and computing its features %s", hours_minutes_seconds(extraction_seconds))
    return network, outcome


def rows_of(stored: Split, run: Run, recipe: Recipe) -> np.ndarray:
    """The rows of a split that a run uses: ascending, int64."""
    return stratify.subset(stored.labels, run.percent, recipe.seed)


def _epochs(
    learner: keras.Model, train: Batches, validation: Batches, recipe: Recipe, file: Path
) -> tuple[list[dict], int]:
    """Train to the last epoch; keep the best one's weights.

    Returns:
        The rows of the history, and which of them is the best epoch's.
    """
    history = History(file, train, recipe.epochs)
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_loss", mode="min", patience=recipe.patience, restore_best_weights=True
    )
    rate = SCHEDULES[recipe.schedule]
    with contextlib.closing(history), reading(train, validation):
        learner.fit(
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
    return history.rows, stopping.best_epoch
