"""Fit a run's model: the network's first weights, Keras' training loop, the best epoch."""

import contextlib
import gc
import logging
import math
from collections.abc import Iterator
from functools import cached_property

import keras
import numpy as np

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.base.monitor import Monitor
from sentiment.base.progress import hours_minutes_seconds
from sentiment.base.signals import deferred
from sentiment.data import stratify
from sentiment.data.joined_splits import Joined, Stored
from sentiment.data.split import Split
from sentiment.engine import backend, cluster, devices
from sentiment.engine.batches import Batches, fed, reading
from sentiment.model import build
from sentiment.model.build import build_model
from sentiment.model.recipe import Recipe
from sentiment.runs import training_plan
from sentiment.runs.accuracy import Accuracy
from sentiment.runs.run_files import Run
from sentiment.runs.training_plan import Training
from sentiment.training import feature_extraction
from sentiment.training.augmentation import augmented
from sentiment.training.checkpoint import Checkpoint, Patience
from sentiment.training.history import History
from sentiment.training.mean_pixel import MEAN_PIXEL, mean_pixel
from sentiment.training.moving_average import Average
from sentiment.training.optimizer import (
    at_constant_rate,
    build_optimizer,
    compile_model,
    state_values,
    targets,
)
from sentiment.training.schedule import schedule

log = logging.getLogger(__name__)


class Diverged(UserError):
    """The loss is no longer a number.

    Args:
        rows: the history's, of which the last one says it.
    """

    def __init__(self, message: str, rows: list[dict]):
        super().__init__(message)
        self.rows = rows


UPDATES = (
    "epochs", "batch_size", "gradient_accumulation_steps", "learning_rate", "schedule",
    "cycle_epochs", "optimizer", "momentum", "ema_momentum", "label_smoothing", "patience",
)  # fmt: skip
"""Fields of a recipe that say how weights are updated: they change neither the network's first
weights nor the images it learns from, so trainings that differ in them alone share a Setup."""

STEPS_AT_ONCE = 16
"""Of TensorFlow on small features, where starting a step takes twice as long as the step."""

SMALL_BATCH = 2**20
"""Bytes of a batch of small features, such as MobileNetV2's."""


class Setup:
    """A network with its first weights, and the images that it learns from.

    Raises:
        UserError: the first weights do not fit.
    """

    def __init__(self, training: Training):
        architecture, recipe = training.architecture, training.recipe
        self._training, sections = training, training_plan.sections(training.run)
        self._rows = {
            section: rows_of(training.dataset.split(section), training.run, recipe)
            for section in dict.fromkeys(sections["train"] + sections["validation"])
        }
        classes = len(training.dataset.class_names)
        images = Joined(
            [training.dataset.split(section) for section in sections["train"]],
            [self._rows[section] for section in sections["train"]],
        )
        self.mean = mean_pixel(training, images, images.rows)
        """The pixel that the recipe may ask to subtract."""
        self.cached = recipe.layers == "fc" and recipe.feature_cache
        """Whether it learns from stored features."""
        with devices.taken().scope():
            self.network = build_model(architecture, recipe, classes, self.mean)
            if training.head_from:
                build.attach_head(self.network, training.head_from)
                log.info("  FC layers from %s", training.head_from)
            self.learner = self.network.get_layer("head") if self.cached else self.network
            """What is trained: the FC layers on stored features, or the whole network on images."""
            if recipe.augmentation:
                self.learner = augmented(self.network, recipe)
        learning = sum(math.prod(weight.shape) for weight in self.network.trainable_weights)
        log.info("  %s weights, of which %s learn", f"{self.network.count_params():,}",
                 f"{learning:,}")  # fmt: skip
        self.extraction_seconds = 0.0
        """What computing the features took."""

    @property
    def about_data(self) -> dict:
        """What the model's card and its checkpoint say of the images, beyond the plan."""
        return {MEAN_PIXEL: self.mean} if self.mean else {}

    @cached_property
    def _frozen(self) -> keras.Model:
        return devices.taken().whole(build.without_head(self.network))

    @cached_property
    def inputs(self) -> dict[str, Joined]:
        """What the learner takes in training and in validation, with the rows that it takes."""
        stored = {section: self.stored(section, of) for section, of in self._rows.items()}
        return {
            split: Joined([stored[s] for s in of], [self._rows[s] for s in of])
            for split, of in training_plan.sections(self._training.run).items()
        }

    def stored(self, section: str, rows: np.ndarray) -> Stored:
        """A split's images, or the features of these rows, ascending int64, computed if need be.

        Raises:
            UserError: the disk is too small.
        """
        t = self._training
        if not self.cached:
            return t.dataset.split(section)
        step = t.recipe.batch_size // t.recipe.gradient_accumulation_steps
        features = feature_extraction.features(
            self._frozen, t.architecture, t.recipe, t.dataset, section, rows, step, self.mean
        )
        self.extraction_seconds += features.seconds
        return features


def fit(
    training: Training, checkpoint_batches: int | None, setup: Setup | None = None
) -> tuple[keras.Model, dict]:
    """Train, writing history, resources and checkpoints on the way.

    Args:
        training: a checkpoint of its run that is there was made under its plan.
        checkpoint_batches: batches between checkpoints within an epoch, or None.
        setup: of a training that differs in UPDATES alone, its first weights put back.

    Returns:
        The model with the weights of the epoch with the best validation loss, and what
        training reached and took: epochs from 1, seconds.

    Raises:
        UserError: the first weights do not fit, the disk is too small, or a checkpoint is
            damaged.
        Diverged: the loss is no longer a number.
    """
    recipe, run, classes = training.recipe, training.run, len(training.dataset.class_names)
    setup, spread = setup or Setup(training), devices.taken()
    network, learner = setup.network, setup.learner
    step = recipe.batch_size // recipe.gradient_accumulation_steps
    if spread.count > 1:
        log.info("  every %d images in %d parts, on %d devices", step, spread.parts(step),
                 spread.count)  # fmt: skip
    with contextlib.ExitStack() as watched:
        if cluster.first():
            _check_disk(run, recipe, network, learner)
            watched.enter_context(Monitor(run.resources, run.checkpoint.exists()))
        train, validation = (
            Batches(
                setup.inputs[split],
                setup.inputs[split].rows,
                step,
                recipe.seed if split == "train" else None,
                targets(recipe, classes, learning=split == "train"),
            )
            for split in ("train", "validation")
        )
        # Dropout draws the same whether features were computed just now or found.
        keras.utils.set_random_seed(recipe.seed)
        rate = schedule(recipe, len(train))
        with spread.scope():
            optimizer = build_optimizer(recipe, rate)
            compile_model(
                learner, optimizer, recipe.label_smoothing > 0, _steps_at_once(setup, train)
            )
        history = History(run.history, train, recipe.epochs, rate)
        patience = Patience(recipe.patience)
        with spread.synchronized(network), deferred() as pending:
            plan = training.plan | setup.about_data
            checkpoint = Checkpoint(
                run.checkpoint, plan, patience, Average(), history, checkpoint_batches, pending
            )
            _epochs(learner, train, validation, recipe, history, patience, checkpoint)

    last = history.rows[-1]
    if not math.isfinite(last["loss"] + last["val_loss"]):
        kept = f"{run.checkpoint} keeps the last good weights; " if run.checkpoint.exists() else ""
        raise Diverged(
            f"the loss was no longer a number in epoch {last['epoch']}; no model was saved; "
            f"{kept}try a lower --learning-rate, with --overwrite",
            history.rows,
        )
    with spread.scope():
        saved = at_constant_rate(optimizer, recipe, network, last["learning_rate"])
        for part in (learner, network):  # the FC layers are saved with their own optimiser too
            compile_model(part, saved)
    best = history.rows[patience.best_epoch]
    n = len(validation.rows)
    reached = Accuracy(n, round(best["val_accuracy"] * n))
    log.info("Best of %d epochs: %d, %svalidation %s", last["epoch"], best["epoch"], run.mark,
             reached)  # fmt: skip
    outcome = _outcome(setup, train, validation, history.rows, best)
    took, extraction = (
        hours_minutes_seconds(outcome[name]) for name in ("training_seconds", "extraction_seconds")
    )
    log.info("Training took %s, validation apart", took)
    if setup.extraction_seconds:
        log.info("  and computing its features %s", extraction)
    return network, outcome


def _outcome(
    setup: Setup, train: Batches, validation: Batches, rows: list[dict], best: dict
) -> dict:
    """What training reached and took; `rows` are the history's, `best` is one of them."""
    training, validating, waiting = (
        round(sum(row[name] for row in rows), 3)
        for name in ("seconds", "validation_seconds", "waiting_seconds")
    )
    return {
        "training_seconds": training,
        "extraction_seconds": round(setup.extraction_seconds, 3),
        "validation_seconds": validating,
        "waiting_seconds": waiting,
        "best_epoch": best["epoch"],
        "last_epoch": rows[-1]["epoch"],
        "best_val_loss": best["val_loss"],
        "best_val_accuracy": best["val_accuracy"],
        "train_images": len(train.rows),
        "validation_images": len(validation.rows),
        **setup.about_data,
    }


@contextlib.contextmanager
def memory_remedy(recipe: Recipe) -> Iterator[None]:
    """Say what to do when memory is short in the block.

    Raises:
        UserError: it was.
    """
    try:
        yield
    except Exception as error:
        if backend.out_of_memory(error):
            raise UserError(less_memory(recipe)) from error
        raise


def less_memory(recipe: Recipe) -> str:
    """What to do when memory is short."""
    parts = recipe.gradient_accumulation_steps
    more = next((n for n in range(parts + 1, recipe.batch_size + 1) if recipe.batch_size % n == 0),
                None)  # fmt: skip
    at_a_time = f"out of memory with {recipe.batch_size // parts} images at a time"
    if not more:
        return f"{at_a_time}; this network needs a larger device"
    return (
        f"{at_a_time}; --gradient-accumulation-steps {more} takes {recipe.batch_size // more} "
        f"and keeps updates of {recipe.batch_size}, or give a lower --batch-size"
    )


def rows_of(stored: Split, run: Run, recipe: Recipe) -> np.ndarray:
    """The rows of a split that a run uses: ascending, int64."""
    return stratify.subset(stored.labels, run.percent, recipe.seed)


def _steps_at_once(setup: Setup, train: Batches) -> int:
    """JAX starts its steps faster than small features are read, and PyTorch makes one at a time."""
    alone = keras.backend.backend() == "tensorflow" and devices.taken().count == 1
    row_bytes = math.prod(train.stored.shape[1:]) * train.stored.dtype.itemsize
    small = setup.cached and train.batch_size * row_bytes <= SMALL_BATCH
    return STEPS_AT_ONCE if alone and small else 1


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
    callbacks = [
        keras.callbacks.TerminateOnNaN(),
        patience,
        checkpoint.average,
        history,
        checkpoint,
    ]

    def train_epochs(first: int, stop: int) -> None:
        learner.fit(
            fed(train),
            validation_data=fed(validation),
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
    reached = learner.evaluate(fed(validation), verbose=0, return_dict=True, callbacks=each)
    each.on_epoch_end(epoch, logs | {f"val_{name}": value for name, value in reached.items()})


def _check_disk(run: Run, recipe: Recipe, network: keras.Model, learner: keras.Model) -> None:
    """Say what the model and its checkpoint will take on the disk, if there is room for it.

    A checkpoint is written beside the one before; each holds the weights, the best epoch's,
    and the optimiser's state.
    """
    trainable = sum(math.prod(weight.shape) for weight in learner.trainable_weights)
    state = 4 * trainable * state_values(recipe)
    checkpoint = 2 * 4 * learner.count_params() + state
    needed = 2 * checkpoint + 4 * network.count_params() + state
    folder = run.model.parent
    folder.mkdir(parents=True, exist_ok=True)
    log.info("  a checkpoint after each epoch, up to %.1f MB, in %s",
             math.ceil(checkpoint / 1e5) / 10, run.checkpoint)  # fmt: skip
    files.check_room(folder, needed, "model and checkpoints")
