"""Fit a run's model: batches and optimiser made ready, Keras' training loop, the best epoch."""

import contextlib
import gc
import logging
import math
import shutil

import keras
import numpy as np

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.base.monitor import Monitor
from sentiment.base.progress import hours_minutes_seconds
from sentiment.base.signals import deferred
from sentiment.base.time_budget import BudgetSpent, TimeBudget
from sentiment.engine import cluster, devices
from sentiment.engine.batches import Batches, fed, predicted, reading
from sentiment.model.recipe import Recipe
from sentiment.runs import training_plan
from sentiment.runs.accuracy import Accuracy, Commonest, Reached
from sentiment.runs.run_files import Run
from sentiment.runs.training_plan import Training
from sentiment.training import (
    blank_loss,
    class_weights,
    mixing,
    rand_augment,
    tracked_pictures,
)
from sentiment.training.checkpoint import Checkpoint, Patience
from sentiment.training.history import History
from sentiment.training.memory_remedy import memory_remedy
from sentiment.training.moving_average import Average
from sentiment.training.optimizer import (
    at_constant_rate,
    build_optimizer,
    compile_model,
    state_values,
)
from sentiment.training.pace import Pace
from sentiment.training.schedule import schedule
from sentiment.training.setup import Setup
from sentiment.training.step_times import StepTimes
from sentiment.training.targets import are_soft, targets
from sentiment.training.tracking import Tracking

log = logging.getLogger(__name__)

STEPS_AT_ONCE = 16
"""Steps that TensorFlow makes between two calls of Keras' callbacks, on small features: starting
a step takes twice as long as the step there."""

SMALL_BATCH = 2**20
"""Bytes up to which a batch of features counts as small, such as MobileNetV2's."""


class Diverged(UserError):
    """The loss is no longer a number.

    Args:
        rows: the history's, of which the last one says it.
    """

    def __init__(self, message: str, rows: list[dict]):
        super().__init__(message)
        self.rows = rows


def fit(
    training: Training,
    checkpoint_batches: int | None,
    setup: Setup | None = None,
    budget: TimeBudget | None = None,
    tensorboard: bool = False,
) -> tuple[keras.Model, dict]:
    """Train, writing history, resources and checkpoints on the way.

    Args:
        training: a checkpoint of its run that is there was made under its plan.
        checkpoint_batches: batches between checkpoints within an epoch, or None.
        setup: made for a training whose recipe has the same `basis`, its first weights put back.
        budget: the time that it may take; None is no end.
        tensorboard: keep a record for TensorBoard.

    Returns:
        The model with the weights of the epoch with the best validation loss, and what
        training reached and took: epochs from 1, seconds, and whether it is "finished" or
        "stopped" by its budget, its checkpoint saved.

    Raises:
        UserError: the first weights do not fit, the disk or memory is too small, or a
            checkpoint is damaged.
        Diverged: the loss is no longer a number.
        BudgetSpent: the budget has stopped it before the end of its first epoch.
    """
    run, budget = training.run, budget or TimeBudget()
    with memory_remedy(training.recipe):
        with budget.limit():
            setup = setup or Setup(training)
            _log_parts(training.recipe)
            if cluster.is_first():
                _check_disk(run, training.recipe, setup)
                if not run.checkpoint.exists():
                    shutil.rmtree(run.tensorboard, ignore_errors=True)  # an earlier run's
            with cluster.on_first(lambda: Monitor(run.resources, run.checkpoint.exists())) as load:
                loop = Loop(training, setup, budget, load if tensorboard else None)
                loop.run(checkpoint_batches)
        loop.check_finite()
        loop.compile_for_saving()
        if tensorboard:
            loop.conclude_tracking()
        return setup.network, loop.outcome()


class Loop:
    """Keras' training loop, made ready for one training.

    Args:
        budget: the time that it may take.
        tracked: samples the load that is to be recorded for TensorBoard, with all else; None
            where nothing is recorded.

    Raises:
        UserError: the disk is too small for the features.
    """

    def __init__(
        self, training: Training, setup: Setup, budget: TimeBudget, tracked: Monitor | None
    ):
        self.training, self.setup, self.budget = training, setup, budget
        self.tracked, self.tracking = tracked, list[Tracking]()
        recipe = training.recipe
        self._soft = are_soft(recipe, setup.inputs["train"])
        self.class_weights = class_weights.of(training)
        self.train, self.validation = self._batches("train"), self._batches("validation")
        # Dropout draws the same whether features were computed just now or found.
        keras.utils.set_random_seed(recipe.seed)
        rate = schedule(recipe, len(self.train))
        with devices.taken().scope():
            self.optimizer = build_optimizer(recipe, rate, setup.network)
            compile_model(setup.learner, self.optimizer, self._soft, self._steps_at_once())
        self.pace = Pace(self.train, self.validation, recipe.epochs, budget)
        self.history = History(training.run.history, self.pace, rate)
        self.patience = Patience(recipe.patience)

    def _batches(self, split: str) -> Batches:
        recipe, learning = self.training.recipe, split == "train"
        joined = self.setup.inputs[split]
        classes = len(self.training.dataset.class_names)
        return Batches(
            joined,
            joined.rows,
            recipe.batch_size // recipe.gradient_accumulation_steps,
            recipe.seed if learning else None,
            targets(recipe, joined, classes, learning) if self._soft else None,
            class_weights.by_label(self.class_weights) if learning else None,
            rand_augment.change(recipe) if learning else None,
            mixing.draws(recipe, joined.shape[1]),  # in validation of no effect
        )

    def _steps_at_once(self) -> int:
        """Steps between two calls of Keras' callbacks.

        JAX starts its steps faster than small features are read, and PyTorch makes one at a time.
        """
        alone = keras.backend.backend() == "tensorflow" and devices.taken().count == 1
        row_bytes = math.prod(self.train.stored.shape[1:]) * self.train.stored.dtype.itemsize
        small = self.setup.cached and self.train.batch_size * row_bytes <= SMALL_BATCH
        return STEPS_AT_ONCE if alone and small else 1

    def run(self, checkpoint_batches: int | None) -> None:
        """Train, from the checkpoint on, to the last epoch or the budget's end; keep the best.

        Raises:
            UserError: the checkpoint or an image is damaged.
            BudgetSpent: no epoch is finished.
        """
        try:
            self._run_to_the_end(checkpoint_batches)
        except BudgetSpent:
            if not self.history.rows:
                raise
        self.setup.learner.set_weights(self.patience.best_weights)
        gc.collect()  # TensorFlow's iterator of an epoch cut short must not outlive Python

    def _run_to_the_end(self, checkpoint_batches: int | None) -> None:
        run = self.training.run
        plan = self.training.plan | {"start": self.training.start} | self.setup.about_data
        with devices.taken().synchronized(self.setup.network), deferred() as pending:
            checkpoint = Checkpoint(
                run.checkpoint, plan, self.patience, Average(), self.history, checkpoint_batches,
                pending,
            )  # fmt: skip
            with contextlib.closing(self.history), reading(self.train, self.validation):
                self._run_epochs(checkpoint)
            self.budget.disarm()

    def _run_epochs(self, checkpoint: Checkpoint) -> None:
        learner, last = self.setup.learner, self.training.recipe.epochs
        done = checkpoint.restore(learner)
        epoch = done.epoch
        self.train.start_epoch(epoch, done.batch)
        if self.tracked:
            self.tracking = [Tracking(self.training, self.history, self.tracked)]
        listening = callbacks(
            self.patience, checkpoint.average, self.pace, self.history, self.tracking, checkpoint
        )
        if done.batch:
            if len(self.train):
                self._fit(epoch, epoch + 1, listening)
            else:
                self._validate(epoch, listening)
            epoch += 1
            self.train.start_epoch(epoch)
        if epoch < last and not self.patience.stopped_epoch and not learner.stop_training:
            self._fit(epoch, last, listening)

    def _fit(self, first: int, stop: int, listening: list[keras.callbacks.Callback]) -> None:
        """Train from epoch `first`, counted from 0, to the one before `stop`."""
        self.setup.learner.fit(
            fed(self.train),
            validation_data=fed(self.validation),
            initial_epoch=first,
            epochs=stop,
            shuffle=False,  # of the batches, which are read ahead in their order
            verbose=0,
            callbacks=listening,
        )

    def _validate(self, epoch: int, listening: list[keras.callbacks.Callback]) -> None:
        """Finish an epoch that was stopped after its last step."""
        learner = self.setup.learner
        each = keras.callbacks.CallbackList(listening, model=learner)
        learner.reset_metrics()
        each.on_epoch_begin(epoch)
        logs = learner.get_metrics_result()
        reached = learner.evaluate(
            fed(self.validation), verbose=0, return_dict=True, callbacks=each
        )
        each.on_epoch_end(epoch, logs | {f"val_{name}": value for name, value in reached.items()})

    def conclude_tracking(self) -> None:
        """Record what the model that is kept says of the validation images."""
        network, validation = devices.taken().whole(self.setup.answering), self.validation
        in_order = Batches(validation.stored, validation.rows, validation.batch_size, None)
        y_prob = np.concatenate([*predicted(network, in_order, lambda count: None)])
        for tracking in self.tracking:
            dataset, run = self.training.dataset, self.training.run
            title = f"{self.training.architecture.title} {run.way}"
            tracking.conclude(tracked_pictures.pictures(title, dataset, validation.rows, y_prob))

    @property
    def finished(self) -> bool:
        """Whether no epoch is left."""
        done = len(self.history.rows) == self.training.recipe.epochs
        return done or self.patience.stopped_epoch > 0

    def check_finite(self) -> None:
        """Refuse a training whose last loss is no number.

        Raises:
            Diverged: the loss is none.
        """
        last, checkpoint = self.history.rows[-1], self.training.run.checkpoint
        if math.isfinite(last["loss"] + last["val_loss"]):
            return
        kept = f"{checkpoint} keeps the last good weights; " if checkpoint.exists() else ""
        raise Diverged(
            f"the loss was no longer a number in epoch {last['epoch']}; no model was saved; "
            f"{kept}try a lower --learning-rate, with --overwrite",
            self.history.rows,
        )

    def compile_for_saving(self) -> None:
        """Give the model an optimiser that Keras alone can load, in the state of this one."""
        rate = self.history.rows[-1]["learning_rate"]
        with devices.taken().scope():
            saved = at_constant_rate(self.optimizer, self.training.recipe, self.setup.network, rate)
            compile_model(self.setup.network, saved)

    def outcome(self) -> dict:
        """Return what training reached and took, and log it: epochs from 1, seconds."""
        rows = self.history.rows
        best = rows[self.patience.best_epoch]
        training, validating, waiting = (
            round(sum(row[name] for row in rows), 3)
            for name in ("seconds", "validation_seconds", "waiting_seconds")
        )
        images = len(self.validation.rows)
        labels = self.validation.stored.labels[self.validation.rows]
        reached = Reached(
            Accuracy(images, round(best["val_accuracy"] * images)),
            Commonest.of(labels, self.training.dataset.class_names),
        )
        extraction = round(self.setup.extraction_seconds, 3)
        if not self.finished:
            self._log_left()
        log.info("Best of %d epochs: %d, %svalidation %s", len(rows), best["epoch"],
                 self.training.run.mark, reached)  # fmt: skip
        hint = blank_loss.hint(self.training.recipe, best["val_loss"], labels)
        if hint and not reached.better:
            log.info("  %s", hint)
        log.info("Training took %s, validation apart", hours_minutes_seconds(training))
        if extraction:
            log.info("  and computing its features %s", hours_minutes_seconds(extraction))
        return {
            "status": "finished" if self.finished else training_plan.STOPPED,
            "training_seconds": training,
            "extraction_seconds": extraction,
            "validation_seconds": validating,
            "waiting_seconds": waiting,
            "best_epoch": best["epoch"],
            "last_epoch": rows[-1]["epoch"],
            "best_val_loss": best["val_loss"],
            "best_val_accuracy": best["val_accuracy"],
            "train_images": len(self.train.rows),
            "validation_images": images,
            **({"weights_by_class": self.class_weights} if self.class_weights else {}),
            **self.setup.about_data,
        }

    def _log_left(self) -> None:
        """Say what the budget has left to do."""
        done, epochs = len(self.history.rows), self.training.recipe.epochs
        seconds = self.pace.left(epochs - done)
        time = f", at most {hours_minutes_seconds(seconds)}" if seconds else ""
        log.info("Stopped by %s after epoch %d of %d; %d left%s", self.budget, done, epochs,
                 epochs - done, time)  # fmt: skip


def callbacks(
    patience: Patience,
    average: Average,
    pace: Pace,
    history: History,
    tracking: list[Tracking],
    checkpoint: Checkpoint,
) -> list[keras.callbacks.Callback]:
    """The callbacks that Keras calls at every step and epoch, in an order that is a law.

    Early stopping keeps the weights that were validated, which are the moving average where there
    is one; so it comes before `average`, which puts the weights that learn back. The history says
    what `pace` has measured, and tracking what the history says. The checkpoint
    saves the weights that learn and the history; so it comes after both. It also comes last
    because it obeys a signal, after which no other callback is called.
    """
    return [
        keras.callbacks.TerminateOnNaN(),
        patience,
        average,
        pace,
        history,
        StepTimes(),
        *tracking,
        checkpoint,
    ]


def _log_parts(recipe: Recipe) -> None:
    """Say how many images go through the network at a time, where devices share them."""
    taken, step = devices.taken(), recipe.batch_size // recipe.gradient_accumulation_steps
    if taken.count > 1:
        log.info("  every %d images in %d parts, on %d devices", step, taken.parts(step),
                 taken.count)  # fmt: skip


def _check_disk(run: Run, recipe: Recipe, setup: Setup) -> None:
    """Say what the model and its checkpoint will take on the disk, if there is room for it.

    A checkpoint is written beside the one before; each holds the weights, the best epoch's,
    and the optimiser's state.

    Raises:
        UserError: there is none.
    """
    trainable = sum(math.prod(weight.shape) for weight in setup.learner.trainable_weights)
    state = 4 * trainable * state_values(recipe)
    checkpoint = 2 * 4 * setup.learner.count_params() + state
    needed = 2 * checkpoint + 4 * setup.network.count_params() + state
    folder = run.model.parent
    folder.mkdir(parents=True, exist_ok=True)
    log.info("  a checkpoint after each epoch, up to %.1f MB, in %s",
             math.ceil(checkpoint / 1e5) / 10, run.checkpoint)  # fmt: skip
    files.check_room(folder, needed, "model and checkpoints")
