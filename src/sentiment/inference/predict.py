"""What the prediction scripts run: every image of a test split once, and how well it went."""

import logging
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentiment.base import cli, files, provenance, sha256sums
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.base.project import Folders
from sentiment.data import image_size
from sentiment.data.dataset import Dataset
from sentiment.engine import backend, cluster
from sentiment.engine.cluster import Cluster
from sentiment.engine.supervisor import supervise
from sentiment.inference.unfinished_prediction import UnfinishedPrediction
from sentiment.model import model_file, model_origin, temperature, variants
from sentiment.model.recipe import Architecture, Recipe
from sentiment.runs import learned_images, predictions, training_plan
from sentiment.runs.run_files import WITH_MIRROR, Run, TrainingData

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

SPLIT = "test"


@dataclass(frozen=True)
class Options:
    """Flags of every prediction script.

    Raises:
        UserError: the batch size is under 1.
    """

    data: TrainingData = field(default_factory=TrainingData)
    test_on: tuple[str, ...] = ()
    """Prepared data to test on, with the same classes or some of them; without it, --dataset, or
    for an imported model t4sa."""
    batch_size: int = 64
    """Images at a time."""
    flip_test: bool = False
    """Predict the mirror image of each photo too, which takes twice the time, and take the mean of
    both probabilities; its results, ..._flip_..., stand beside those without."""
    include_test_data: bool = False
    """Take the model that was trained with it, and so with the test images: no accuracy of it is
    a result."""
    overwrite: bool = False
    """Predict again though the result of this very model and data is there."""
    folders: Folders = field(default_factory=Folders)
    cluster: Cluster = field(default_factory=Cluster)

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UserError(f"--batch-size {self.batch_size}: expected 1 or more")


@cli.command()
def main(architecture: Architecture, recipe: Recipe) -> None:
    """Run a prediction script for the model that `recipe` trains."""
    options = cli.parse(variants.with_flag(Options, architecture))
    chosen = variants.chosen(architecture, options)
    supervise(options.cluster, lambda: predict(chosen, recipe.layers, options))


def predict(architecture: Architecture, layers: str, options: Options) -> None:
    """Predict test splits, save each result as npz and print its figures.

    A result holds `y_true` and `y_pred` (int64, (n,)), `y_prob` (float32, (n, classes)),
    `paths`, `agreement`, `class_names` of the model, and `made_from` (JSON: what tells that
    very model and data). One that is there is not predicted again, and one that was stopped
    goes on where it was. Where the data tested have only some of the model's classes, the others'
    columns are left out when `y_pred` is chosen (You et al., 2015, and the paper do so for TTD).

    Raises:
        UserError: the model or the data are missing or do not belong together.
    """
    run = Run(architecture.name, layers, options.data, options.folders, options.include_test_data)
    tester = Tester(run, options)
    names = options.test_on or (model_origin.tested_on(tester.card),)
    tests = [Dataset(options.folders.data_dir, name) for name in names]
    for tested in tests:
        tester.check(tested)
    if options.cluster.several:
        tester.join(tests)
    tester.announce(tests)
    for tested in tests:
        tester.test(tested)
    cluster.barrier()  # the others wait until the first has saved the results


class Tester:
    """A run's model, to be tested on test splits. Every process calls all methods in step.

    Raises:
        UserError: the model is missing, or not the one that the options ask for.
    """

    def __init__(self, run: Run, options: Options):
        self.run, self.options = run, options
        self.card = _card(run)
        self.class_names: list[str] = self.card["class_names"]
        self.model_sha256 = sha256sums.of(run.model)
        self._backend = ""

    def start(self) -> str:
        """Start Keras, unless it has been started; return the name of its backend."""
        if not self._backend:
            self._backend = backend.start(seed=0, processes=self.options.cluster)["backend"]
        return self._backend

    @cached_property
    def model(self) -> "keras.Model":
        """The model, which is loaded when it is first asked for."""
        self.start()
        from sentiment.engine import devices  # imports Keras, which --help does without
        from sentiment.model import build

        with devices.taken().scope():
            loaded = model_file.load(self.run.model)
            if self.options.flip_test:
                loaded = build.with_mirror(loaded)
        return devices.taken().whole(loaded)

    def check(self, tested: Dataset) -> None:
        """Compare a data set with the model.

        Raises:
            UserError: the model does not know a class of it, or may have learned from its images.
        """
        unknown = sorted(set(tested.class_names) - set(self.class_names))
        if unknown:
            raise UserError(
                f"{tested.folder}: has the class {unknown[0]}, which the model does not "
                f"know; it knows {', '.join(self.class_names[:10])}"
            )
        side = image_size.of_card(self.card)
        if tested.side != side:
            raise UserError(
                f"{tested.folder}: images of {tested.side} pixels a side; {self.run.model} takes "
                f"{side}: prepare the photos with --size {side}, under another --name"
            )
        if model_origin.prepared_anew(self.card, tested):
            raise UserError(
                f"{tested.folder}: prepared anew since {self.run.model} was trained, so its test "
                "split may hold images that were trained on; train again with --overwrite"
            )

    def join(self, tests: list[Dataset]) -> None:
        """Start Keras with the other processes.

        Raises:
            UserError: they are about to do something else.
        """
        self.start()
        cluster.check_equal({
            "model": self.model_sha256,
            "data": {tested.name: tested.fingerprint for tested in tests},
            "overwrite": self.options.overwrite,
            "batch size": self.options.batch_size,
            "flip test": self.options.flip_test,
            **provenance.versions(),
        })  # fmt: skip

    def announce(self, tests: list[Dataset]) -> None:
        """Say what will be predicted and written."""
        self._log_model()
        if stopped := training_plan.stopped(self.card):
            log.info("  its training was %s", stopped)
        if calibrated := temperature.in_words(self.card):
            log.info("  calibrated: %s", calibrated)
        for tested in tests:
            n = sum(tested.counts(SPLIT).values())
            mirrored = f", each {WITH_MIRROR}" if self.options.flip_test else ""
            log.info("  predicts the %s split of %s, %s images%s", SPLIT, tested.name, f"{n:,}",
                     mirrored)  # fmt: skip
            log.info("  writes %s", self.run.result(tested.name, self.options.flip_test))

    def test(self, tested: Dataset) -> None:
        """Predict a test split, unless its result is there, and print the result's figures.

        Raises:
            UserError: another process predicts it, memory is short, or what the model gives are no
                probabilities.
        """
        flip = self.options.flip_test
        result = self.run.result(tested.name, flip)
        log_file = self.run.log_file(result.stem.removeprefix(self.run.name) + ".log")
        made_from = {"model": self.model_sha256, "data": tested.fingerprint, "split": SPLIT}
        made_from |= {"images": WITH_MIRROR} if flip else {}
        again = self.options.overwrite
        with (
            cluster.on_first(lambda: files.locked(result)),
            cluster.on_first(lambda: cli.log_to(log_file)),
        ):
            finished = cluster.from_first(lambda: not again and _finished(result, made_from))
            if not finished:
                self._predict(tested, result, made_from)
            if cluster.is_first():
                self._log_figures(tested, result)
                log.info("%s was there, of this very model and data (--overwrite)" if finished
                         else "Saved %s", result)  # fmt: skip

    def _predict(self, tested: Dataset, result: Path, made_from: dict[str, str]) -> None:
        """Predict a test split on every process; the first one saves the result.

        It goes on where an earlier call was stopped.
        """
        split, model = tested.split(SPLIT), self.model
        from sentiment.inference.checked_blocks import blocks  # imports Keras

        unfinished = self._unfinished(result, made_from, len(split)) if cluster.is_first() else None
        start = cluster.from_first(lambda: unfinished.images if unfinished else 0)
        with progress("predicting", len(split), before=start) as advance:
            for block in blocks(
                model, split, np.arange(len(split)), self.options.batch_size,
                len(self.class_names), advance, start,
            ):  # fmt: skip
                if unfinished:
                    unfinished.add(block)
        if unfinished:
            leaking = bool(self.card.get(model_file.LEAKS))
            predictions.write(
                result, split, unfinished.outputs, self._columns(tested), self.class_names,
                made_from, leaking, model_origin.is_imported(self.card), self.options.flip_test,
            )  # fmt: skip
            unfinished.remove()

    def _unfinished(
        self, result: Path, made_from: dict[str, str], images: int
    ) -> UnfinishedPrediction:
        plan = {
            **{name: value[:16] for name, value in made_from.items()},
            "batch_size": self.options.batch_size,
            "backend": self.start(),
            **provenance.versions(),
        }
        file = result.with_name(f".{result.name}.journal")
        return UnfinishedPrediction(file, plan, (images, len(self.class_names)))

    def _columns(self, tested: Dataset) -> np.ndarray:
        """The column of each class of a data set in the model's probabilities, int64 (k,)."""
        return np.array([self.class_names.index(name) for name in tested.class_names])

    def _log_model(self) -> None:
        log.info("%s, %s", self.run.model, model_origin.in_words(self.card))

    def _log_figures(self, tested: Dataset, result: Path) -> None:
        from sentiment.inference import figures  # imports SciPy, which --help does without

        self._log_model()
        mirrored = f" {WITH_MIRROR}" if self.options.flip_test else ""
        what = f"{self.run.mark}{tested.name} {SPLIT} split{mirrored}"
        for line in figures.in_words(_arrays(result), self._columns(tested), what):
            log.info(line)


def _finished(result: Path, made_from: dict[str, str]) -> bool:
    """Whether the result is there, whole and of this very model and data; another is replaced."""
    if not result.exists():
        return False
    try:
        predictions.read(result, all_classes=False)
        return predictions.made_from(result) == made_from
    except UserError:
        return False


def _arrays(result: Path) -> dict[str, np.ndarray]:
    """The arrays of a result file as they are stored, by name."""
    with np.load(result, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _card(run: Run) -> dict:
    """The card of the run's model, which must be of the very percent asked for."""
    make = f"make it with {run.training_command}"
    if not run.model.exists():
        raise UserError(f"{run.model}: not there; {make}")
    card = model_file.read_card(run.model)
    training_plan.check_leaking(run.model, card, run)
    model_origin.check_percent(run.model, card, run.percent, make)
    for name, value in learned_images.plan(run.data).items():
        if card.get(name) != value:
            raise UserError(
                f"{run.model}: trained with {name} {card.get(name)}, not {value}; predict with the "
                f"flags it was trained with, or {make}"
            )
    return card
