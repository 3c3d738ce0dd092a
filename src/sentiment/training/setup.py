"""What a training starts from: a network with its first weights, and images to learn from."""

import dataclasses
import itertools
import logging
import math
from collections.abc import Mapping
from functools import cached_property

import keras
import numpy as np

from sentiment.data import stratify
from sentiment.data.joined_splits import Joined, Stored
from sentiment.data.split import Split
from sentiment.engine import devices
from sentiment.model import build
from sentiment.model.recipe import Recipe
from sentiment.runs import learned_images, training_plan
from sentiment.runs.run_files import Run
from sentiment.runs.training_plan import Training
from sentiment.training import feature_extraction
from sentiment.training.augmentation import augmented
from sentiment.training.mean_pixel import MEAN_PIXEL, mean_pixel

log = logging.getLogger(__name__)

UPDATES = (
    "epochs", "batch_size", "gradient_accumulation_steps", "learning_rate", "schedule",
    "cycle_epochs", "optimizer", "momentum", "ema_momentum", "label_smoothing",
    "class_weights", "patience", "warmup_epochs", "layer_decay", "weight_decay",
)  # fmt: skip
"""Fields of a recipe that say how weights are updated: they change neither the network's first
weights nor the images it learns from. Of the weight decay that holds for AdamW's alone; see
`basis`."""


def basis(recipe: Recipe) -> dict[str, object]:
    """All of a recipe that a Setup depends on: trainings that have it in common can share one."""
    fields = dataclasses.asdict(recipe).items()
    return {n: value for n, value in fields if n not in UPDATES} | {"penalty": recipe.penalty}


class Setup:
    """A network with its first weights, and the images that it learns from.

    Raises:
        UserError: the first weights do not fit.
    """

    def __init__(self, training: Training):
        self.training = training
        self.cached = training.recipe.layers == "fc" and training.recipe.feature_cache
        """Whether it learns from stored features."""
        self.extraction_seconds = 0.0
        """What computing the features took."""
        self.mean = self._mean_pixel()
        """The pixel that the recipe may ask to subtract: red, green, blue, from 0 to 255."""
        with devices.taken().scope():
            self.network = _first_network(training, self.mean)
            """The whole network, which is saved."""
            self.learner = self._learner()
            """What is trained: the FC layers on stored features, or the whole network on images."""
        _log_weights(self.network)

    @property
    def answering(self) -> keras.Model:
        """What answers for inputs: the learner, without what changes photos."""
        return self.learner if self.cached else self.network

    @property
    def about_data(self) -> dict:
        """What the model's card and its checkpoint say of the images, beyond the plan."""
        return {MEAN_PIXEL: self.mean} if self.mean else {}

    @cached_property
    def inputs(self) -> dict[str, Joined]:
        """The learner's inputs for "train" and "validation", with the rows that the run uses."""
        stored = {section: self.stored(section, rows) for section, rows in self._rows.items()}
        sections = training_plan.sections(self.training.run)["validation"]
        validation = Joined([stored[s] for s in sections], [self._rows[s] for s in sections])
        return {"train": self._to_learn(stored), "validation": validation}

    def stored(self, section: str, rows: np.ndarray) -> Stored:
        """A split's images, or the features of some of its rows, computed if need be.

        Args:
            rows: ascending row numbers, int64 (n,).

        Raises:
            UserError: the disk is too small.
        """
        t = self.training
        if not self.cached:
            return t.dataset.split(section)
        step = t.recipe.batch_size // t.recipe.gradient_accumulation_steps
        features = feature_extraction.features(
            self._frozen, t.architecture, t.recipe, t.dataset, section, rows, step, self.mean,
            t.run.folders.features_dir,
        )  # fmt: skip
        self.extraction_seconds += features.seconds
        return features

    @cached_property
    def _rows(self) -> dict[str, np.ndarray]:
        """The rows that the run uses of each of its splits: ascending, int64 (n,)."""
        t = self.training
        sections = dict.fromkeys(itertools.chain(*training_plan.sections(t.run).values()))
        return {name: rows_of(t.dataset.split(name), t.run, t.recipe) for name in sections}

    def _to_learn(self, stored: Mapping[str, Stored]) -> Joined:
        """What is to be learned from, and what of it.

        Raises:
            UserError: the data do not hold it, or no photo is left.
        """
        t = self.training
        sections = training_plan.sections(t.run)["train"]
        rows = learned_images.kept(
            t.dataset, {name: self._rows[name] for name in sections}, t.run.data
        )
        splits = [t.dataset.split(name) for name in sections]
        learned = learned_images.learned(splits, t.run.data)
        return Joined([stored[name] for name in sections], rows, learned)

    def _mean_pixel(self) -> list[float] | None:
        t = self.training
        images = self._to_learn({name: t.dataset.split(name) for name in self._rows})
        return mean_pixel(t, images, images.rows)

    def _learner(self) -> keras.Model:
        if self.cached:
            head = self.network.get_layer("head")
            # Another model of its layers: a compiled layer would be saved with the optimiser's
            # state, and the network, to which Keras gives it when it loads a file, without.
            return keras.Model(head.inputs, head.outputs[0])
        if self.training.recipe.augmentation:
            return augmented(self.network, self.training.recipe)
        return self.network

    @cached_property
    def _frozen(self) -> keras.Model:
        return devices.taken().whole(build.without_head(self.network))


def rows_of(stored: Split, run: Run, recipe: Recipe) -> np.ndarray:
    """The rows of a split that a run uses: ascending, int64 (n,)."""
    return stratify.subset(stored.labels, run.percent, recipe.seed)


def _first_network(training: Training, mean: list[float] | None) -> keras.Model:
    """Build the network; FT-A may take the FC layers that FT-F has trained."""
    data = training.dataset
    network = build.build_model(
        training.architecture, training.recipe, len(data.class_names), mean, data.side
    )
    if training.head_from:
        build.attach_head(network, training.head_from)
        log.info("  FC layers from %s", training.head_from)
    return network


def _log_weights(network: keras.Model) -> None:
    learning = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    log.info("  %s weights, of which %s learn", f"{network.count_params():,}", f"{learning:,}")
