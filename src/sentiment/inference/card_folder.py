"""A folder that can be put on a hub as it is: a model, its exports, its results and a model card.

The card is a `README.md` in the form that Hugging Face shows: metadata in YAML, then Markdown.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sentiment.base import files, sha256sums, templates
from sentiment.base.errors import UserError
from sentiment.data.collections.collection import SENTIMENTS
from sentiment.data.dataset import Dataset
from sentiment.model import model_file, networks, temperature
from sentiment.runs import inference_file, predictions, scores, training_plan
from sentiment.runs.accuracy import Reached
from sentiment.runs.inference_file import Inference
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import Ending, ResultName, exports_of, results_of
from sentiment.runs.scores import Bin, Scores

TEMPLATE = Path(__file__).with_name("model_card.md.jinja")

LARGE_FILES = ("*.keras", "*.tflite", "*.onnx", "*.npz", "*.pb", "variables.data-*")
"""Files that a hub keeps with Git LFS."""

PRIVATE = ("command", "machine", "platform")
"""Entries of a run's manifest that tell of the machine; the copy beside the card lacks them."""


@dataclass(frozen=True)
class Tested:
    """A result of the model on a test split."""

    dataset: str
    file: Path
    predicted: Predictions

    @property
    def title(self) -> str:
        """Such as `t4sa with the mirror image`."""
        return ResultName.of(self.file).in_words(self.dataset)

    @cached_property
    def scores(self) -> Scores:
        """All scores."""
        return scores.scores(self.predicted)

    @cached_property
    def bins(self) -> list[Bin]:
        """How often the model is right, by how sure it is."""
        return scores.reliability(self.predicted)

    @property
    def reached(self) -> Reached:
        """Its accuracy, with what stands beside it."""
        return self.scores.reached


@dataclass(frozen=True)
class CardFolder:
    """A model of which a card is written, with what its run has left."""

    model: Path
    """The .keras file."""
    card: dict
    """The run's manifest."""
    data: Dataset
    """What it was trained on."""
    logs_dir: Path

    def write(self, folder: Path) -> None:
        """Write the folder, whole or not at all.

        Raises:
            UserError: the folder is there and holds something else than a model card's files, or a
                result is damaged.
        """
        if folder.exists() and any(folder.iterdir()) and not (folder / "run.json").exists():
            raise UserError(f"{folder}: is there, and no model card's folder; choose another")
        with files.whole_folder(folder) as temporary:
            for path in (self.model, *self.exports.values(), *(t.file for t in self.tested)):
                _copy(path, temporary / path.name)
            if self._log("history.csv").exists():
                _copy(self._log("history.csv"), temporary / "history.csv")
            public = {name: value for name, value in self.card.items() if name not in PRIVATE}
            files.write_json(temporary / "run.json", public | {"recipe": self.recipe})
            rules = (f"{name} filter=lfs diff=lfs merge=lfs -text\n" for name in LARGE_FILES)
            (temporary / ".gitattributes").write_text("".join(rules))
            text = templates.template(TEMPLATE).render(it=self, Ending=Ending)
            (temporary / "README.md").write_text(text, encoding="utf-8")

    @property
    def title(self) -> str:
        """Such as `MobileNetV2 FT-A`."""
        way = {"fc": "FT-F", "all": "FT-A"}[self.card["recipe"]["layers"]]
        return f"{networks.named(self.card['architecture']).architecture.title} {way}"

    @property
    def sentiments(self) -> bool:
        """Whether it tells sentiments, not something else."""
        return set(self.card["class_names"]) <= set(SENTIMENTS)

    @property
    def recipe(self) -> dict:
        """The recipe, with today's defaults for what an older one lacks; of a file with weights the
        name alone."""
        recipe = training_plan.DEFAULTS | self.card["recipe"]
        return recipe | {"weights": Path(str(recipe["weights"])).name}

    @property
    def labels_from(self) -> str:
        """Where the labels come from; data prepared earlier do not say it."""
        return self.data.manifest.get("labels_from") or "not recorded when the data were prepared"

    @property
    def by_class(self) -> Mapping[str, Mapping[str, int]]:
        """Images by split and class."""
        return {split: self.data.counts(split) for split in self.data.manifest["splits"]}

    @cached_property
    def exports(self) -> dict[Ending, Path]:
        """The exports of this very model that are there."""
        start = self.card.get("start")
        found = exports_of(self.model)
        return {e: p for e, p in found.items() if _start_of(p, start) == start}

    @property
    def quantised(self) -> dict | None:
        """What the quantised export's own card says of its agreement with Keras."""
        file = self.exports.get(Ending.LITERT_INT8)
        return model_file.read_card(file)["export"] if file else None

    @cached_property
    def tested(self) -> list[Tested]:
        """The results of this very model, that on its own data first.

        Raises:
            UserError: a result is damaged.
        """
        digest, found = sha256sums.of(self.model), []
        for file in results_of(self.model):
            if predictions.made_from(file).get("model") == digest:
                other = ResultName.of(file).tested_on
                predicted = predictions.read(file, all_classes=other is None)
                found.append(Tested(other or self.data.name, file, predicted))
        return found

    @property
    def calibration(self) -> dict | None:
        """What the card says of the model's temperature; None if it is not calibrated."""
        return self.card.get(temperature.CALIBRATION)

    @cached_property
    def inference(self) -> Inference | None:
        """What predicting costs on a CPU, if it was measured with this very model."""
        file = self._log("inference.json")
        measured = inference_file.read(file) if file.exists() else None
        same = measured and measured.model_start == self.card.get("start")
        return measured if same else None

    def sizes(self) -> dict[str, int]:
        """Bytes of the model and its exports, by name."""
        return {path.name: files.size(path) for path in (self.model, *self.exports.values())}

    def median(self, milliseconds: np.ndarray) -> str:
        """The median of some calls, in words."""
        return f"{float(np.median(milliseconds)):.1f} ms"

    def _log(self, ending: str) -> Path:
        return self.logs_dir / self.data.name / f"{self.model.stem}_{ending}"


def _start_of(export: Path, unknown: str | None) -> str | None:
    """When the training of an export's model began; an ONNX file is taken as it is."""
    if export.suffix == ".tflite":
        return model_file.read_card(export).get("start")
    if export.is_dir():
        return files.read_json(export / "assets.extra" / model_file.CARD).get("start")
    return unknown


def _copy(source: Path, target: Path) -> None:
    """Copy a file or folder; on one disk a file's copy takes no room."""
    if source.is_dir():
        shutil.copytree(source, target)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
