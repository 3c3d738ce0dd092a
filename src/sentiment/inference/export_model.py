"""Export a trained model to formats that run without Keras, each checked against Keras first."""

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from sentiment.base import cli, files, project
from sentiment.base.errors import UserError
from sentiment.data.dataset import Dataset, in_words
from sentiment.engine import backend
from sentiment.inference import formats
from sentiment.inference.formats import FORMATS, Format, FormatName
from sentiment.model import model_file, model_origin

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

SPLIT = "test"


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
    """Where prepared data lie."""
    check_on: str | None = None
    """Prepared data whose test split has those photos; without it, those that the model was trained
    on, and for an imported model faces that are drawn."""
    card_folder: Path | None = None
    """Folder for a model card as Hugging Face shows it, with the model, its exports and its
    results: all that a hub wants."""
    logs_dir: Path = project.LOGS_DIR
    """Where training and measuring have left what the model card tells."""


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
    card = model_file.usable_card(options.model)
    kinds = [FORMATS[name] for name in options.formats]
    for name in options.formats:
        _find_packages(name, FORMATS[name])
    with files.locked(options.model, "exporting"), _photos(card, options) as dataset:
        checked = min(options.check_images, sum(dataset.counts(SPLIT).values()))
        log.info("%s, %s", options.model, model_origin.in_words(card))
        log.info("  %s", in_words(card["class_names"]))
        log.info("  checks on %s photos of the %s split of %s", f"{checked:,}", SPLIT, dataset.name)
        for kind in kinds:
            log.info("  writes %s", kind.beside(options.model))
        network = _load(options.model, card)
        from sentiment.inference.exporter import (
            Exporter,
        )  # imports Keras, which --help does without

        Exporter(network, options.model, card, dataset, SPLIT, checked).write(kinds)
        if options.card_folder:
            _write_card(options, card, dataset)


def _write_card(options: Options, card: dict, dataset: Dataset) -> None:
    """Write the model card's folder.

    Raises:
        UserError: something else is there, or a result of the model is damaged.
    """
    from sentiment.inference.card_folder import CardFolder  # SciPy and more

    if options.card_folder:
        CardFolder(options.model, card, dataset, options.logs_dir).write(options.card_folder)
        log.info("Saved %s, for a hub; choose a licence in its README.md", options.card_folder)
        log.info("  run.json inside the models names this machine and its folders")


@contextlib.contextmanager
def _photos(card: dict, options: Options) -> Iterator[Dataset]:
    """Yield the data that the exports are checked on.

    Raises:
        UserError: they are missing, have other classes, or are others of the name of those that the
            model was trained on.
    """
    if options.check_on is None and model_origin.is_imported(card):
        from sentiment.data import drawn_data  # bcolz, which --help does without

        with files.scratch_folder(options.model.with_name(f"{options.model.stem}_photos")) as work:
            log.info("Drawing faces to check on, for an imported model has no data; or --check-on")
            dataset = drawn_data.prepare(work)
            _check_classes(dataset, card)
            yield dataset
        return
    dataset = Dataset(options.data_dir, options.check_on or card["dataset"])
    _check_classes(dataset, card)
    if model_origin.prepared_anew(card, dataset):
        raise UserError(
            f"{dataset.folder}: not the data {options.model} was trained on, though of the same "
            "name: its test split may hold images that were trained on; give those with "
            "--data-dir, or train again with --overwrite"
        )
    yield dataset


def _check_classes(dataset: Dataset, card: dict) -> None:
    if list(dataset.class_names) != card["class_names"]:
        raise UserError(
            f"{dataset.folder}: has {in_words(dataset.class_names)}; the model has "
            f"{in_words(card['class_names'])}: name others with --check-on"
        )


def _find_packages(name: FormatName, kind: Format) -> None:
    """Look for the packages that a format needs.

    Raises:
        UserError: one is not installed.
    """
    for package in kind.packages:
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            raise UserError(
                f"--formats {name}: {package} is not installed; "
                f"pip install {' '.join(kind.packages)}"
            ) from None


def _load(model: Path, card: dict) -> "keras.Model":
    """Load the model to compute in float32 on the CPU with TensorFlow, whatever trained it.

    Raises:
        UserError: TensorFlow is missing, or the file is damaged or has other classes than its card.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # a GPU's TF32 differs more than an export may
    try:
        backend.start(seed=0)
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
