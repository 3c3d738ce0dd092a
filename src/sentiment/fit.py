"""Fit a run's model: the network's first weights, Keras' training loop, the best epoch."""

import contextlib
import gc
import logging
import math
import shutil

import keras
import numpy as np

from sentiment import cluster, devices, extract, metrics, model, model_file, stratify
from sentiment.batches import Batches, reading
from sentiment.errors import UserError
from sentiment.history import History
from sentiment.monitor import Monitor
from sentiment.plans import Training
from sentiment.progress import hours_minutes_seconds
from sentiment.recipe import Recipe
from sentiment.resume import Checkpoint, Patience
from sentiment.runs import Run
from sentiment.schedule import SCHEDULES
from sentiment.signals import deferred
from sentiment.store import Split

log = logging.getLogger(__name__)

SHUFFLED = {"train": True, "validation": False}
"""The splits that training reads."""


def fit(training: Training, checkpoint_batches: int | None) -> tuple[keras.Model, dict]:
    """Train, writing history, resources and checkpoints on the way.

    Args:
        training: a checkpoint of its run that is there was made under its plan.
        checkpoint_batches: batches between checkpoints within an epoch, or None.

    Returns:
        The model with the weights of the epoch with the best validation loss, and what
        training reached and took: epochs from 1, seconds.

    Raises:
        UserError: the first weights do not fit, the disk is too small, a checkpoint is
            damaged, or the loss is no longer a number.
    """
    architecture, recipe, dataset = training.architecture, training.recipe, training.dataset
    run = training.run
    spread = devices.taken()
    with spread.scope():
        network = model.build(architecture, recipe, len(dataset.class_names))
        if training.head_from:
            model.attach_head(network, model_file.load(training.head_from))
            log.info("  FC layers from %s", training.head_from)
        optimizer = model.sgd(recipe)
    learning = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    log.info("  %s weights, of which %s learn", f"{network.count_params():,}", f"{learning:,}")

    step = recipe.batch_size // recipe.gradient_accumulation_steps
    if spread.count > 1:
        log.info("  every %d images in %d parts, on %d devices", step, spread.parts(step),
                 spread.count)  # fmt: skip
    stored = {split: dataset.split(split) for split in SHUFFLED}
    rows = {split: rows_of(of, run, recipe) for split, of in stored.items()}
    extraction_seconds = 0.0
    cached = recipe.layers == "fc" and recipe.feature_cache
    learner = network.get_layer("head") if cached else network
    with contextlib.ExitStack() as watched:
        if cluster.first():
            _check_disk(run, network, learner)
            watched.enter_context(Monitor(run.resources, run.checkpoint.exists()))
        if cached:
            frozen = spread.whole(model.without_head(network))
            stored = {
                split: extract.features(frozen, architecture, recipe, dataset, split, of, step)
                for split, of in rows.items()
            }
            extraction_seconds = sum(features.seconds for features in stored.values())
        train, validation = (
            Batches(stored[split], rows[split], step, recipe.seed if shuffled else None)
            for split, shuffled in SHUFFLED.items()
        )
        # Dropout draws the same whether features were computed just now or found.
        keras.utils.set_random_seed(recipe.seed)
        with spread.scope():
            model.compile_model(learner, optimizer)
        history, patience = History(run.history, train, recipe.epochs), Patience(recipe.patience)
        with spread.synchronized(network), deferred() as pending:
            checkpoint = Checkpoint(
                run.checkpoint, training.plan, patience, history, checkpoint_batches, pending
            )
            _epochs(learner, train, validation, recipe, history, patience, checkpoint)
    if learner is not network:
        with spread.scope():
            model.compile_model(network, optimizer)  # a whole model, saved with its optimizer

    last = history.rows[-1]
    if not math.isfinite(last["loss"] + last["val_loss"]):
        kept = f"{run.checkpoint} keeps the last good weights; " if run.checkpoint.exists() else ""
        raise UserError(
            f"the loss was no longer a number in epoch {last['epoch']}; no model was saved; "
            f"{kept}try a lower --learning-rate, with --overwrite"
        )
    best = history.rows[patience.best_epoch]
    training, validating, waiting = (
        round(sum(row[name] for row in history.rows), 3)
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
    learner: keras.Model,
    train: Batches,
    validation: Batches,
    recipe: Recipe,
    history: History,
    patience: Patience,
    checkpoint: Checkpoint,
) -> None:
    """Train to the last epoch, from the checkpoint on; give the model the best one's weights."""
    rate = SCHEDULES[recipe.schedule]
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda e: rate(e, recipe.learning_rate)),
        keras.callbacks.TerminateOnNaN(),
        patience,
        history,
        checkpoint,
    ]

    def train_epochs(first: int, stop: int) -> None:
        learner.fit(
            train,
            validation_data=validation,
            initial_epoch=first,
            epochs=stop,
            shuffle=False,  # of the batches, which are read ahead in their order
            verbose=0,
            callbacks=callbacks,
        )

    with contextlib.closing(history), reading(train, validation):
        done = checkpoint.restore(learner)
        first = done.epoch
        train.start_epoch(first, done.batch)
        if done.batch:
            if len(train):
                train_epochs(first, first + 1)
            else:
                _validate(learner, validation, first, callbacks)
            first += 1
            train.start_epoch(first)
        if first < recipe.epochs and not patience.stopped_epoch and not learner.stop_training:
            train_epochs(first, recipe.epochs)
    learner.set_weights(patience.best_weights)
    gc.collect()  # TensorFlow's iterator of an epoch cut short must not outlive Python


def _validate(
    learner: keras.Model,
    validation: Batches,
    epoch: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Finish an epoch that was stopped after its last step."""
    each = keras.callbacks.CallbackList(callbacks, model=learner)
    learner.reset_metrics()
    each.on_epoch_begin(epoch)
    logs = learner.get_metrics_result()
    reached = learner.evaluate(validation, verbose=0, return_dict=True, callbacks=each)
    each.on_epoch_end(epoch, logs | {f"val_{name}": value for name, value in reached.items()})


def _check_disk(run: Run, network: keras.Model, learner: keras.Model) -> None:
    """Say what the model and its checkpoint will take on the disk, if there is room for it.

    A checkpoint is written beside the one before; each holds the weights, the best epoch's,
    and one or two values more for every weight that learns.
    """
    trainable = 4 * sum(math.prod(weight.shape) for weight in learner.trainable_weights)
    checkpoint = 2 * 4 * learner.count_params() + 2 * trainable
    needed = 2 * checkpoint + 4 * network.count_params() + trainable
    folder = run.models_dir
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    log.info("  a checkpoint after each epoch, up to %.1f MB, in %s", checkpoint / 1e6,
             run.checkpoint)  # fmt: skip
    if free < needed:
        raise UserError(
            f"{folder}: {free / 1e6:,.0f} MB free, model and checkpoints need {needed / 1e6:,.0f}"
        )
