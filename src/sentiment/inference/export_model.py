"""Export a trained model to formats that run without Keras, each checked against Keras first."""

import dataclasses
import logging
import math
import os
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro

from sentiment.base import cli, files, project, provenance
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.data.dataset import Dataset, in_words
from sentiment.engine import backend
from sentiment.inference import formats
from sentiment.inference.formats import FORMATS, Format, FormatName, Predict
from sentiment.model import model_file

if TYPE_CHECKING:
    import keras

    from sentiment.engine.batches import Batches
    from sentiment.runs.accuracy import Accuracy

log = logging.getLogger(__name__)

SPLIT = "test"

LARGEST_DIFFERENCE = 1e-4
"""Between the probabilities of a float32 export and Keras'; with more it is refused."""

LARGEST_LOSS = 0.02
"""Share of the photos checked, rounded up to a whole one, that a quantised export may get wrong
beyond Keras; with more it is refused."""

CALIBRATION_IMAGES = 200
"""Training photos that show a quantised export the range of its activations."""

BATCH_SIZE = 16
TIMED_CALLS = 30


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/export_model.py`."""

    model: tyro.conf.Positional[Path]
    """A model that a training script saved, ending in .keras."""
    formats: tuple[FormatName, ...] = ("litert",)
    """What to write, beside the model: LiteRT in float32, LiteRT quantised to 8 bits, ONNX,
    TensorFlow's SavedModel."""
    check_images: int = 1000
    """Photos that each export is checked on, spread over the test split."""
    data_dir: Path = project.DATA_DIR
    """Where the prepared data lie that the model was trained on."""


@dataclass(frozen=True)
class Agreement:
    """How an export's answers compare with Keras' on the same photos."""

    largest_difference: float
    """Between two probabilities."""
    equal_top1: int
    """Photos given the same class."""
    keras: "Accuracy"
    exported: "Accuracy"

    def fault(self, quantised: bool) -> str | None:
        """Why the export is refused, or None."""
        allowed = math.inf if quantised else LARGEST_DIFFERENCE
        if not self.largest_difference <= allowed:  # so that NaN is refused
            return (
                f"gives probabilities up to {self.largest_difference:.1e} from Keras'; allowed "
                f"are {allowed:.0e}"
            )
        lost = self.keras.correct - self.exported.correct
        allowed = math.ceil(LARGEST_LOSS * self.keras.n)
        if quantised and lost > allowed:
            return f"gets {lost} of {self.keras.n:,} photos fewer right; allowed are {allowed}"
        return None


@cli.command()
def main() -> None:
    """Run `scripts/export_model.py`."""
    export(cli.parse(Options))


def export(options: Options) -> None:
    """Export a model, beside it.

    Each export is written under a hidden name, predicts photos of the test split, and gets its
    own name only when its answers agree with Keras'.

    Raises:
        UserError: the model or its data are missing or do not belong together, a package is
            missing, another process writes the model or exports it, or an export disagrees; the
            others are written all the same.
    """
    if options.check_images < 1:
        raise UserError(f"--check-images {options.check_images}: expected 1 or more")
    card = _card(options.model)
    dataset = _trained_on(card, options)
    wanted = {name: FORMATS[name] for name in options.formats}
    for name, kind in wanted.items():
        _find_packages(name, kind)
    with files.locked(options.model, "exporting"):
        _export(options, card, dataset, wanted)


def _export(options: Options, card: dict, dataset: Dataset, wanted: dict[str, Format]) -> None:
    n = sum(dataset.counts(SPLIT).values())
    checked = min(n, options.check_images)
    log.info("%s, trained on %g %% of %s", options.model, card["percent"], dataset.name)
    log.info("  %s", in_words(card["class_names"]))
    log.info("  checks on %s photos of the %s split of %s", f"{checked:,}", SPLIT, dataset.name)
    for kind in wanted.values():
        log.info("  writes %s", _place(options.model, kind))

    network = _load(options.model, card)
    from joblib import cpu_count

    from sentiment.engine.batches import Batches  # Keras, which --help does without

    test = dataset.split(SPLIT)
    rows = np.linspace(0, n - 1, checked).astype(np.int64)
    batches = Batches(test, rows, BATCH_SIZE, shuffle_seed=None)
    threads = cpu_count()
    log.info("Milliseconds are the median of %d calls with one photo", TIMED_CALLS)
    expected = _predictions("Keras", network.predict_on_batch, batches)
    _say("Keras", options.model, network.predict_on_batch, test.images[:1], threads)

    refused = []
    with files.scratch_folder(options.model.with_name(f"{options.model.stem}_export")) as work:
        train = dataset.split("train")
        source = formats.Source(
            network,
            work / "saved_model",
            train.images[:CALIBRATION_IMAGES],
        )
        formats.write_saved_model(network, source.saved_model)
        for kind in wanted.values():
            place = _place(options.model, kind)
            try:
                with kind.whole(place) as temporary:
                    kind.write(source, temporary)
                    predict = kind.load(temporary, threads)
                    answers = _predictions(kind.title, predict, batches)
                    agreement = _agreement(test.labels[rows], expected, answers)
                    _say(kind.title, temporary, predict, test.images[:1], threads)
                    for line in _in_words(agreement):
                        log.info("  %s", line)
                    if fault := agreement.fault(kind.quantised):
                        raise UserError(f"{place}: not written, for it {fault}")
                    kind.add_card(temporary, card | {"export": _about(kind, dataset, agreement)})
                log.info("  Saved %s", place)
            except UserError as error:
                refused.append(str(error))
    if refused:
        raise UserError("; ".join(refused))


def _place(model: Path, kind: Format) -> Path:
    return model.with_name(model.stem + kind.ending)


def _card(model: Path) -> dict:
    """The card of a `.keras` file."""
    if not model.is_file():
        raise UserError(f"{model}: no such file; give a model that a training script saved")
    if model.suffix != ".keras":
        raise UserError(f"{model}: expected a model that a training script saved, a .keras file")
    card = model_file.read_card(model)
    model_file.refuse_leaking(model, card)
    return card


def _trained_on(card: dict, options: Options) -> Dataset:
    """The very data that the model was trained on."""
    dataset = Dataset(options.data_dir, card["dataset"])
    if dataset.fingerprint != card["data_fingerprint"]:
        raise UserError(
            f"{dataset.folder}: not the data {options.model} was trained on, though of the same "
            "name: its test split may hold images that were trained on; give those with "
            "--data-dir, or train again with --overwrite"
        )
    return dataset


def _find_packages(name: str, kind: Format) -> None:
    for package in kind.packages:
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            raise UserError(
                f"--formats {name}: {package} is not installed; "
                f"pip install {' '.join(kind.packages)}"
            ) from None


def _load(model: Path, card: dict) -> "keras.Model":
    """Load the model to compute in float32 on the CPU with TensorFlow, whatever trained it."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # a GPU's TF32 differs more than an export may
    try:
        backend.start(card["recipe"]["seed"])
    except UserError as error:
        raise UserError(
            "exporting needs TensorFlow, on whichever backend the model was trained: "
            f"pip install -r requirements.txt ({error.__cause__ or error})"
        ) from None
    network = formats.in_float32(model_file.load(model))
    classes = len(card["class_names"])
    if network.output_shape != (None, classes):
        raise UserError(
            f"{model}: gives {network.output_shape[-1]} probabilities, its card names {classes} "
            "classes; train it again"
        )
    return network


def _predictions(what: str, predict: Predict, batches: "Batches") -> np.ndarray:
    """Probabilities, float32 (n, classes), of every photo in order."""
    answers = []
    with progress(what, len(batches.rows)) as advance:
        for index in range(len(batches)):
            images, _ = batches[index]
            answers.append(predict(images))
            advance(len(images))
    return np.concatenate(answers)


def _agreement(truth: np.ndarray, expected: np.ndarray, answers: np.ndarray) -> Agreement:
    from sentiment.runs.accuracy import accuracy

    top1, exported_top1 = expected.argmax(axis=1), answers.argmax(axis=1)
    return Agreement(
        largest_difference=float(np.abs(expected - answers).max()),
        equal_top1=int(np.sum(top1 == exported_top1)),
        keras=accuracy(truth, top1),
        exported=accuracy(truth, exported_top1),
    )


def _in_words(agreement: Agreement) -> list[str]:
    n = agreement.keras.n
    return [
        f"probabilities within {agreement.largest_difference:.1e} of Keras', the same top-1 class "
        f"for {agreement.equal_top1:,} of {n:,} photos",
        f"Keras    {agreement.keras}",
        f"exported {agreement.exported}",
    ]


def _say(title: str, path: Path, predict: Predict, image: np.ndarray, threads: int) -> None:
    """Say how large a model is and how fast it predicts one photo, after five to warm up."""
    seconds = []
    for _ in range(5 + TIMED_CALLS):
        started = time.perf_counter()
        predict(image)
        seconds.append(time.perf_counter() - started)
    size = files.size(path)
    milliseconds = 1000 * float(np.median(seconds[5:]))
    log.info("%s: %.1f MB, %.1f ms on %d threads", title, size / 1e6, milliseconds, threads)


def _about(kind: Format, dataset: Dataset, agreement: Agreement) -> dict:
    """What the card says of an export."""
    packages = {name: metadata.version(name) for name in kind.packages}
    return {
        "format": kind.title,
        "quantised": kind.quantised,
        "checked_on": f"{dataset.name} {SPLIT} split",
        **dataclasses.asdict(agreement),
        "versions": provenance.versions() | packages,
    }
