"""Fits a trained model's temperature on validation images, and saves it inside the model."""

import dataclasses
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro

from sentiment.base import cli, files, project, provenance, sha256sums
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.data import image_size, stratify
from sentiment.data.dataset import Dataset, in_words
from sentiment.engine import backend
from sentiment.inference.unfinished_prediction import UnfinishedPrediction
from sentiment.model import model_file, model_origin, temperature
from sentiment.runs import outdated, training_plan

if TYPE_CHECKING:
    import keras

    from sentiment.inference.temperature_fit import Change

log = logging.getLogger(__name__)

SPLIT = "validation"


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/calibrate.py`.

    Raises:
        UserError: the batch size is under 1.
    """

    model: tyro.conf.Positional[Path]
    """A model that a training script saved, ending in .keras."""
    on: str | None = None
    """Prepared data whose validation split the temperature is fitted on; without it, those that the
    model was trained on, which an imported model does not have."""
    batch_size: int = 64
    """Images at a time."""
    overwrite: bool = False
    """Fit again though the model is calibrated."""
    data_dir: Path = project.DATA_DIR
    """Where prepared data lie."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UserError(f"--batch-size {self.batch_size}: expected 1 or more")


@cli.command()
def main() -> None:
    """Run `scripts/calibrate.py`."""
    calibrate(cli.parse(Options))


def calibrate(options: Options) -> None:
    """Put a temperature into a model, in the place of one that is there, by Guo et al. (2017).

    The model's file is replaced whole; what the model before has made is removed first, as a
    training does it. When the model was trained stays in its card: FT-A, which starts from an
    FT-F model's layers, takes them as they were before.

    Raises:
        UserError: the model or the data are missing or do not belong together, another process
            writes the model, its last layer is not Dense with softmax, or no temperature is best.
    """
    model_file.usable_card(options.model)  # a wrong path leaves no lock
    with files.locked(options.model, "calibrating"):
        card = model_file.usable_card(options.model)  # of the model that no other process changes
        if (calibrated := temperature.in_words(card)) and not options.overwrite:
            log.info("%s is calibrated: %s; --overwrite fits again", options.model, calibrated)
            return
        Calibration(options, card, _data(card, options)).make()


def _data(card: dict, options: Options) -> Dataset:
    """The data that the temperature is fitted on.

    Raises:
        UserError: they are not named, missing, of other classes or another size, or others of the
            name of those that the model was trained on.
    """
    if options.on is None and model_origin.is_imported(card):
        raise UserError(
            f"{options.model}: {model_origin.in_words(card)}, so it has no data of its own; name "
            f"prepared data, such as --on {model_origin.tested_on(card)}"
        )
    dataset = Dataset(options.data_dir, options.on or card["dataset"])
    if list(dataset.class_names) != card["class_names"]:
        raise UserError(
            f"{dataset.folder}: has {in_words(dataset.class_names)}; the model has "
            f"{in_words(card['class_names'])}: name others with --on"
        )
    if dataset.side != (side := image_size.of_card(card)):
        raise UserError(
            f"{dataset.folder}: images of {dataset.side} pixels a side; {options.model} takes "
            f"{side}: name others with --on"
        )
    if model_origin.prepared_anew(card, dataset):
        raise UserError(
            f"{dataset.folder}: prepared anew since {options.model} was trained, so its {SPLIT} "
            "split may hold images that were trained on; train again with --overwrite"
        )
    return dataset


class Calibration:
    """A model, and the images that its temperature is fitted on."""

    def __init__(self, options: Options, card: dict, dataset: Dataset):
        self.options, self.card, self.dataset = options, card, dataset
        self.split = dataset.split(SPLIT)
        self.rows = self._rows()

    def _rows(self) -> np.ndarray:
        """The images that training was validated on, or all of other data: ascending, int64."""
        if self._is_own:
            seed = self.card["recipe"]["seed"]
            return stratify.subset(self.split.labels, self.card["percent"], seed)
        return np.arange(len(self.split))

    @property
    def _is_own(self) -> bool:
        """Whether the model was trained on these data."""
        imported = model_origin.is_imported(self.card)
        return not imported and self.dataset.name == self.card["dataset"]

    def make(self) -> None:
        """Fit the temperature and save the model.

        Raises:
            UserError: the last layer is not Dense with softmax, or no temperature is best.
        """
        path = self.options.model
        self._announce()
        started = backend.start(seed=0)
        network = model_file.load(path, compiled=True)
        layer = temperature.last_layer(network, path)
        unfinished = self._unfinished(started["backend"])
        logits = self._logits(network, layer, unfinished) * temperature.of_card(self.card)
        fitted, change = self._fitted(logits)
        temperature.divide(layer, fitted / temperature.of_card(self.card))
        outdated.remove(path)
        model_file.save(network, path, self.card | {temperature.CALIBRATION: {
            "temperature": fitted,
            "dataset": self.dataset.name,
            "data_fingerprint": self.dataset.fingerprint,
            "split": SPLIT,
            "n": len(self.rows),
            **dataclasses.asdict(change),
            "versions": provenance.versions(),
        }})  # fmt: skip
        unfinished.remove()
        log.info("Saved %s", path)

    def _announce(self) -> None:
        """Say what will be fitted and written."""
        log.info("%s, %s", self.options.model, model_origin.in_words(self.card))
        if stopped := training_plan.stopped(self.card):
            log.info("  its training was %s; what goes on is not calibrated", stopped)
        stopped_by = ", by which training chose its epoch" if self._is_own else ""
        log.info("  fits the temperature on %s %s images of %s%s", f"{len(self.rows):,}", SPLIT,
                 self.dataset.name, stopped_by)  # fmt: skip
        log.info("  writes %s", self.options.model)

    def _unfinished(self, backend_name: str) -> UnfinishedPrediction:
        """The logits that a stopped call has noted."""
        path = self.options.model
        plan = {
            "model": sha256sums.of(path)[:16],
            "data": self.dataset.fingerprint[:16],
            "batch_size": self.options.batch_size,
            "backend": backend_name,
            **provenance.versions(),
        }
        file = path.with_name(f".{path.stem}_calibration.journal")
        return UnfinishedPrediction(file, plan, (len(self.rows), len(self.card["class_names"])))

    def _logits(
        self,
        network: "keras.Model",
        layer: "keras.layers.Dense",
        unfinished: UnfinishedPrediction,
    ) -> np.ndarray:
        """The network's logits for the images, float32 (n, classes)."""
        import keras

        from sentiment.inference.checked_blocks import blocks

        size, classes = self.options.batch_size, len(self.card["class_names"])
        layer.activation = keras.activations.linear
        with progress("predicting", len(self.rows), before=unfinished.images) as advance:
            for block in blocks(
                network, self.split, self.rows, size, classes, advance, unfinished.images
            ):
                unfinished.add(block)
        layer.activation = keras.activations.softmax
        return unfinished.outputs

    def _fitted(self, logits: np.ndarray) -> tuple[float, "Change"]:
        """The temperature, and what it changes.

        Args:
            logits: of the model without a temperature, float32 (n, classes).

        Raises:
            UserError: none is best.
        """
        from sentiment.inference import temperature_fit  # SciPy, which --help does without
        from sentiment.runs.predictions import Predictions

        split, rows = self.split, self.rows
        labels = split.labels[rows].astype(np.int64)
        fitted = temperature_fit.best(logits, labels)
        if fitted is None:
            raise UserError(
                f"{self.options.model}: no temperature is best on {len(rows):,} {SPLIT} images of "
                f"{self.dataset.name}: it gets all of them right, or knows nothing of them"
            )
        said = Predictions(
            labels, logits.argmax(axis=1), logits, split.paths[rows], split.agreement[rows],
            self.dataset.class_names,
        )  # fmt: skip
        change = temperature_fit.change(said, logits, fitted)
        low, high = change.nll_change_interval
        log.info("Temperature %.4g, which makes the model %s", fitted,
                 "less sure" if fitted > 1 else "surer")  # fmt: skip
        log.info("  negative log-likelihood %.4f, was %.4f: %+.4f, 95 %% interval %+.4f to %+.4f, "
                 "n = %s", change.after.nll, change.before.nll, change.nll_change, low, high,
                 f"{len(rows):,}")  # fmt: skip
        log.info("  expected calibration error %.4f, was %.4f", change.after.ece, change.before.ece)
        return fitted, change
