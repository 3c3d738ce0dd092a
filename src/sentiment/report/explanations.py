"""What drove the models' decisions: Grad-CAM, in other processes while the report is drawn."""

import contextlib
import logging
import threading
from pathlib import Path

import numpy as np

from sentiment.base.process_call import ProcessCall
from sentiment.engine import backend
from sentiment.report import gallery
from sentiment.report.gallery import Row, ShownPhoto, Tested
from sentiment.runs.collect import TrainedModel, noting, tested_models

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Models explained at a time: each keeps one core busy while it is loaded, and takes memory."""


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
        self._models = [
            (model, predictions)
            for model, predictions in tested_models(models)
            if model.run.model.exists() and np.array_equal(predictions.paths, shown.paths)
        ]
        self._numbers = gallery.examples(shown)
        self._images = np.stack([tested.image(number) for number in self._numbers])
        log.info("  Grad-CAM of %d models", len(self._models))
        turn = threading.Semaphore(AT_ONCE)
        asked = [(model.run.model, said.y_pred[self._numbers]) for model, said in self._models]
        self._overlays = [
            self.enter_context(ProcessCall(file, _overlays, file, self._images, classes, turn=turn))
            for file, classes in asked
        ]

    def rows(self, problems: list[str]) -> list[Row]:
        """Wait for all; a row a photo: the photo as it is, then what drove each model's decision.

        Args:
            problems: what went wrong is added.
        """
        shown = self._tested.predictions
        rows = [
            Row(
                shown.class_names[shown.y_true[number]],
                [ShownPhoto(image, "the photo", str(shown.paths[number]))],
            )
            for number, image in zip(self._numbers, self._images, strict=True)
        ]
        for (model, predictions), overlays in zip(self._models, self._overlays, strict=True):
            with noting(problems):
                images = overlays.answer()
                for row, number, image in zip(rows, self._numbers, images, strict=True):
                    caption = f"{model.name}: {predictions.in_words(number)}"
                    row.photos.append(ShownPhoto(image, caption, str(shown.paths[number])))
        return rows if self._models else []


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


def _overlays(file: Path, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The photos under their heat, uint8 (n, side, side, 3), by a process that starts Keras."""
    backend.start(seed=0)
    from sentiment.inference import gradcam  # Keras, which the report itself does without

    heat = gradcam.heat(file, images, classes)
    return np.stack([gradcam.overlay(*each) for each in zip(images, heat, strict=True)])
