"""A short training whose learning rate rises with every update (Smith, 2017)."""

import itertools
from collections.abc import Iterator

import numpy as np
from keras.optimizers.schedules import ExponentialDecay

from sentiment.base.progress import progress
from sentiment.engine.batches import Batches, reading
from sentiment.runs.training_plan import Training
from sentiment.training import class_weights, mixing, rand_augment
from sentiment.training.optimizer import build_optimizer, compile_model
from sentiment.training.schedule import Schedule
from sentiment.training.setup import Setup
from sentiment.training.targets import are_soft, targets

TOO_HIGH = 4.0
"""Times the first loss at which a training with a rising rate is of no more use."""


def losses_at(training: Training, rates: np.ndarray) -> Iterator[float]:
    """Train for an update at each learning rate; yield each batch's loss before its update.

    A loss that is no number, or more than TOO_HIGH times the first, ends the training; it counts
    as TOO_HIGH times the first.
    """
    recipe, parts = training.recipe, training.recipe.gradient_accumulation_steps
    setup = Setup(training)
    learner, learned = setup.learner, setup.inputs["train"]
    soft, classes = are_soft(recipe, learned), len(training.dataset.class_names)
    wanted = targets(recipe, learned, classes, learning=True) if soft else None
    step = recipe.batch_size // parts
    weights = class_weights.by_label(class_weights.of(training))
    batches = Batches(
        learned, learned.rows, step, recipe.seed, wanted, weights,
        rand_augment.change(recipe), mixing.draws(recipe, learned.shape[1]),
    )  # fmt: skip
    rising = ExponentialDecay(float(rates[0]), len(rates) - 1, float(rates[-1] / rates[0]))
    optimizer = build_optimizer(recipe, Schedule(rising, parts), setup.network)
    compile_model(learner, optimizer, soft=soft)
    whole = max(1, len(learned.rows) // step)  # the last batch may be smaller: other losses
    endless = (
        (epoch, index) for epoch in itertools.count() for index in range(min(whole, len(batches)))
    )
    limit = None
    with progress("updates", len(rates), unit="updates") as advance, reading(batches):
        for _ in rates:
            part_losses = []
            for epoch, index in itertools.islice(endless, parts):
                if epoch != batches.epoch:
                    batches.start_epoch(epoch)
                learner.reset_metrics()
                reached = learner.train_on_batch(*batches[index], return_dict=True)
                part_losses.append(reached["loss"])
            loss = float(np.mean(part_losses))
            limit = limit or TOO_HIGH * loss
            if not loss < limit:
                yield limit
                return
            yield loss
            advance(1)
