"""Writes a model in other formats; what does not answer as Keras does, on photos, is refused."""

import dataclasses
import logging
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import keras
import numpy as np
from joblib import cpu_count

from sentiment.base import files, provenance
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.data.dataset import Dataset
from sentiment.engine.batches import Batches
from sentiment.inference import formats
from sentiment.inference.agreement import Agreement, compare
from sentiment.inference.formats import Format, Original, Predict

log = logging.getLogger(__name__)

CALIBRATION_IMAGES = 200
"""Training photos that show a quantised export the range of its activations."""

BATCH_SIZE = 16
"""Photos a call, while answers are compared."""

WARM_UP, TIMED_CALLS = 5, 30
"""Calls with one photo: those before the clock starts, and those that are timed."""


class Exporter:
    """A model to be exported, and the photos that each export is checked on.

    Args:
        network: the model; it computes in float32.
        model: its file, beside which exports are written.
        card: what the model's file says of it, which exports say too.
        dataset: the data that it was trained on.
        split: its split with the photos.
        photos: how many photos, spread over the split.
    """

    def __init__(
        self, network: keras.Model, model: Path, card: dict, dataset: Dataset, split: str,
        photos: int,
    ):  # fmt: skip
        self.network, self.model, self.card, self.dataset = network, model, card, dataset
        self.checked_on = f"{dataset.name} {split} split"
        self.split, self.threads = dataset.split(split), cpu_count()
        self.rows = np.linspace(0, len(self.split) - 1, photos).astype(np.int64)

    def write(self, kinds: Iterable[Format]) -> None:
        """Write formats, each whole or not at all.

        Raises:
            UserError: at least one does not agree with Keras; the others are written.
        """
        log.info("Milliseconds are the median of %d calls with one photo", TIMED_CALLS)
        expected = self._predictions("Keras", self.network.predict_on_batch)
        self._log_cost("Keras", self.model, self.network.predict_on_batch)
        refused = []
        with files.scratch_folder(self.model.with_name(f"{self.model.stem}_export")) as work:
            calibration = self.dataset.split("train").images[:CALIBRATION_IMAGES]
            original = Original(self.network, work / "saved_model", calibration)
            formats.write_saved_model(self.network, original.saved_model)
            for kind in kinds:
                try:
                    self._write(kind, original, expected)
                except UserError as error:
                    refused.append(str(error))
        if refused:
            raise UserError("; ".join(refused))

    def _write(self, kind: Format, original: Original, expected: np.ndarray) -> None:
        """Write one format.

        Args:
            expected: Keras' probabilities for the photos, float32 (n, classes).

        Raises:
            UserError: it does not agree with Keras.
        """
        place = kind.beside(self.model)
        with kind.whole(place) as temporary:
            kind.write(original, temporary)
            predict = kind.load(temporary, self.threads)
            exported = self._predictions(kind.title, predict)
            agreement = compare(
                self.split.labels[self.rows], expected, exported, self.dataset.class_names
            )
            self._log_cost(kind.title, temporary, predict)
            for line in agreement.in_words():
                log.info("  %s", line)
            if fault := agreement.fault(kind.quantised):
                raise UserError(f"{place}: not written, for it {fault}")
            kind.add_card(temporary, self.card | {"export": self._about(kind, agreement)})
        log.info("  Saved %s", place)

    def _predictions(self, what: str, predict: Predict) -> np.ndarray:
        """Probabilities of the photos, float32 (n, classes)."""
        batches, blocks = Batches(self.split, self.rows, BATCH_SIZE, shuffle_seed=None), []
        with progress(what, len(self.rows)) as advance:
            for index in range(len(batches)):
                images, _ = batches[index]
                blocks.append(predict(images))
                advance(len(images))
        return np.concatenate(blocks)

    def _log_cost(self, title: str, path: Path, predict: Predict) -> None:
        """Say how large a model is and how fast it predicts one photo."""
        photo, seconds = self.split.images[:1], []
        for _ in range(WARM_UP + TIMED_CALLS):
            started = time.perf_counter()
            predict(photo)
            seconds.append(time.perf_counter() - started)
        milliseconds = 1000 * float(np.median(seconds[WARM_UP:]))
        log.info("%s: %.1f MB, %.1f ms on %d threads", title, files.size(path) / 1e6, milliseconds,
                 self.threads)  # fmt: skip

    def _about(self, kind: Format, agreement: Agreement) -> dict:
        """The card's entry on an export."""
        packages = {name: metadata.version(name) for name in kind.packages}
        return {
            "format": kind.title,
            "quantised": kind.quantised,
            "checked_on": self.checked_on,
            "largest_difference": agreement.largest_difference,
            "equal_top1": agreement.equal_top1,
            "keras": dataclasses.asdict(agreement.keras.accuracy),
            "exported": dataclasses.asdict(agreement.exported.accuracy),
            "versions": provenance.versions() | packages,
        }
