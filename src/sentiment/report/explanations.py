"""What drove the models' decisions: Grad-CAM, in other processes while the report is drawn."""

import contextlib
import gc
import itertools
import logging
from pathlib import Path

import numpy as np

from sentiment.base.process_call import ProcessCall
from sentiment.base.progress import progress
from sentiment.engine import backend
from sentiment.report import gallery
from sentiment.report.gallery import Row, ShownPhoto, Tested
from sentiment.runs.collect import TrainedModel, noting, tested_models
from sentiment.runs.predictions import Predictions

log = logging.getLogger(__name__)

PROCESSES = 2
"""Processes that explain: each keeps one core busy while it loads a model, and takes memory."""

Explained = tuple[TrainedModel, Predictions]
"""A model that is explained, and its predictions for the test split."""


class Explanations(contextlib.ExitStack):
    """What drove the models' decisions for the surest photos of a few classes.

    It is worked out from now on until the context ends.

    Args:
        models: those explained, if they are there and were tested on the same photos.
        tested: the photos.
    """

    def __init__(self, models: list[TrainedModel], tested: Tested) -> None:
        super().__init__()
        self._tested, shown = tested, tested.predictions
        self._explained = [
            (model, predictions)
            for model, predictions in tested_models(models)
            if model.run.model.exists() and np.array_equal(predictions.paths, shown.paths)
        ]
        self._numbers = gallery.examples(shown)
        self._images = np.stack([tested.image(number) for number in self._numbers])
        if self._explained:
            log.info("  Grad-CAM of %d models on the CPU", len(self._explained))
        self._calls = []
        for share in _shares(self._explained):
            classes = {model.run.model: said.y_pred[self._numbers] for model, said in share}
            call = ProcessCall(next(iter(classes)), _overlays, classes, self._images)
            self._calls.append((len(share), self.enter_context(call)))

    def rows(self, problems: list[str]) -> list[Row]:
        """Wait for all; a row a photo: the photo as it is, then what drove each model's decision.

        Args:
            problems: what went wrong is added.
        """
        overlays: dict[Path, np.ndarray] = {}
        with progress("Grad-CAM", len(self._explained), "models") as advance:
            for models, call in self._calls:
                with noting(problems):
                    found, wrong = call.answer()
                    overlays |= found
                    problems += wrong
                advance(models)
        photos = range(len(self._numbers) if overlays else 0)
        return [self._row(place, overlays) for place in photos]

    def _row(self, place: int, overlays: dict[Path, np.ndarray]) -> Row:
        """The row of one of the photos, by its place among them."""
        shown, number = self._tested.predictions, self._numbers[place]
        path = str(shown.paths[number])
        photos = [ShownPhoto(self._images[place], "the photo", path)]
        for model, predictions in self._explained:
            if model.run.model in overlays:
                caption = f"{model.name}: {predictions.in_words(number)}"
                photos.append(ShownPhoto(overlays[model.run.model][place], caption, path))
        return Row(shown.class_names[shown.y_true[number]], photos)


def begun(
    models: list[TrainedModel], tested: Tested | None, problems: list[str]
) -> contextlib.AbstractContextManager[Explanations | None]:
    """Explanations that are being worked out; None where there are no photos for them.

    Args:
        problems: what went wrong is added.
    """
    if tested:
        with noting(problems):
            return Explanations(models, tested)
    return contextlib.nullcontext()


def _shares(explained: list[Explained]) -> list[list[Explained]]:
    """The models of each process: whole networks, for their second model is compiled already."""
    networks = [
        list(both_ways)
        for _, both_ways in itertools.groupby(explained, lambda one: one[0].run.architecture)
    ]
    networks.sort(key=lambda both_ways: -both_ways[0][0].run.model.stat().st_size)
    shares = [networks[first::PROCESSES] for first in range(min(PROCESSES, len(networks)))]
    return [list(itertools.chain.from_iterable(share)) for share in shares]


def _overlays(
    classes: dict[Path, np.ndarray], images: np.ndarray
) -> tuple[dict[Path, np.ndarray], list[str]]:
    """Start Keras, and explain photos by each model.

    Args:
        classes: columns of the classes to explain by the model's file, int (n,).
        images: uint8 (n, side, side, 3).

    Returns:
        The photos under their heat by file, uint8 (n, side, side, 3), and what went wrong.
    """
    backend.start(seed=0)
    from sentiment.inference import gradcam  # Keras, which the report itself does without

    overlays: dict[Path, np.ndarray] = {}
    problems: list[str] = []
    for file, columns in classes.items():
        with noting(problems):
            heat = gradcam.heat(file, images, columns)
            pairs = zip(images, heat, strict=True)
            overlays[file] = np.stack([gradcam.overlay(image, one) for image, one in pairs])
        gc.collect()  # or the model, which refers to itself, keeps its memory beside the next
    return overlays, problems
