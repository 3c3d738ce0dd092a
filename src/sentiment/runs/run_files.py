"""A run: one network trained one way on one data set, and the names of the files it leaves."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal, get_args

from sentiment.base.errors import UserError
from sentiment.base.project import Folders, shown_command
from sentiment.model import networks


class Ending(StrEnum):
    """Ends the name of an exported model, behind the run's name."""

    LITERT = ".tflite"
    LITERT_INT8 = "_int8.tflite"
    ONNX = ".onnx"
    SAVED_MODEL = "_saved_model"


Labels = Literal["listed", "teacher", "shares"]
"""What is learned of each photo."""


LEAKING = "leaking_"
"""Begins the name of a run that learns from the test images, behind test_."""


WITH_MIRROR = "with the mirror image"
"""Said of predictions that are the mean of those of a photo and of its mirror image."""


BATCHES = (1, 15)
"""Images a call in which inference is measured: one photo, and as many as the report timed."""


@dataclass(frozen=True)
class TrainingData:
    """The data that a model learns from, or has learned from.

    What is chosen of the photos and their labels is told by the names of all files of the run;
    validation and test are by the listed labels whatever is chosen.

    Raises:
        UserError: a value is outside its range, or has no effect.
    """

    dataset: str = "t4sa"
    """Name of prepared data."""
    percent: float = 100.0
    """This much of each class, in training and validation; under 100 all files are called
    test_... The test split is always whole."""
    labels: Labels = "listed"
    """What is learned of each photo: the list's label (listed), the class with its largest share
    (teacher; files are called teacher_...), or all its shares (shares_...), by cross-entropy
    against them. Shares are votes or a teacher's probabilities, stored beside the labels."""
    temperature: float = 1.0
    """With --labels shares: learn shares ** (1 / this), scaled to sum to 1; over 1 is softer."""
    min_confidence: float = 0.0
    """Learn only from photos whose largest share is this or more (confident_...)."""
    drop: Path | None = None
    """Leave out the training photos in this table's column photo, such as the least_believed.csv
    of label_noise.py, or in a list of a path a line (dropped_...)."""

    def __post_init__(self) -> None:
        if not 0 < self.percent <= 100:
            raise UserError(f"--percent {self.percent:g}: expected more than 0, at most 100")
        if not 0 < self.temperature < math.inf:
            raise UserError(f"--temperature {self.temperature:g}: expected a number over 0")
        if self.temperature != 1 and self.labels != "shares":
            raise UserError(
                f"--temperature {self.temperature:g}: is of --labels shares, not {self.labels}"
            )
        if not 0 <= self.min_confidence < 1:
            raise UserError(
                f"--min-confidence {self.min_confidence:g}: expected 0 or more, under 1"
            )

    @property
    def prefix(self) -> str:
        """Begins the names of files, such as `shares_dropped_`; empty where nothing is chosen."""
        chosen = {
            f"{self.labels}_": self.labels != "listed",
            "confident_": self.min_confidence > 0,
            "dropped_": self.drop is not None,
        }
        return "".join(word for word, applies in chosen.items() if applies)

    @property
    def choices(self) -> dict[str, str]:
        """What is chosen of the photos and their labels, by the flag without its dashes."""
        chosen = {
            "labels": self.labels if self.labels != "listed" else "",
            "temperature": f"{self.temperature:g}" if self.temperature != 1 else "",
            "min-confidence": f"{self.min_confidence:g}" if self.min_confidence else "",
            "drop": str(self.drop) if self.drop else "",
        }
        return {name: value for name, value in chosen.items() if value}

    @property
    def words(self) -> list[str]:
        """The choices as they stand on a command line."""
        return [word for name, value in self.choices.items() for word in (f"--{name}", value)]

    def with_choices(self, choices: Mapping[str, str]) -> "TrainingData":
        """The same data with other choices, given as `choices` gives them.

        Raises:
            KeyError: the labels are none of `Labels`.
            ValueError: a number is none.
            UserError: a value is outside its range.
        """
        labels: dict[str, Labels] = {name: name for name in get_args(Labels)}
        return replace(
            self,
            labels=labels[choices.get("labels", "listed")],
            temperature=float(choices.get("temperature", 1)),
            min_confidence=float(choices.get("min-confidence", 0)),
            drop=Path(choices["drop"]) if "drop" in choices else None,
        )

    @property
    def in_words(self) -> str:
        """What is chosen, such as `shares, temperature 2`; empty where nothing is."""
        said = {
            "labels": self.labels,
            "temperature": f"temperature {self.temperature:g}",
            "min-confidence": f"confidence {self.min_confidence:g}",
            "drop": "dropped photos",
        }
        return ", ".join(said[name] for name in self.choices)


@dataclass(frozen=True)
class RunsWanted:
    """Which of a data set's runs are meant.

    Raises:
        UserError: the percent is outside (0, 100].
    """

    dataset: str = "t4sa"
    """Name of the data that the models were trained on."""
    percent: float | None = None
    """The runs with this --percent; without it full runs, or else those on a part."""

    def __post_init__(self) -> None:
        if self.percent is not None:
            TrainingData(self.dataset, self.percent)


@dataclass(frozen=True)
class ResultName:
    """What the name of a result's file says."""

    run: str
    tested_on: str | None
    """The data whose test split was predicted; None for the run's own."""
    flip_test: bool
    """Whether mirror images were predicted too."""

    @classmethod
    def of(cls, result: Path) -> "ResultName":
        """Read a name, such as `fc_layers_mobilenet_flip_on_ttd_result.npz`.

        Raises:
            UserError: it is not named as results are.
        """
        parts = re.fullmatch(r"(.+?)(_flip)?(?:_on_(.+))?_result\.npz", result.name)
        if not parts:
            raise UserError(f"{result}: no result, a file that ends in _result.npz")
        return cls(parts[1], parts[3], parts[2] is not None)

    def in_words(self, own: str) -> str:
        """The data tested, such as `t4sa with the mirror image`.

        Args:
            own: name of the run's own data.
        """
        mirrored = f" {WITH_MIRROR}" if self.flip_test else ""
        return f"{self.tested_on or own}{mirrored}"


def results_of(model: Path) -> list[Path]:
    """Every result of a model's file that is there, those on its own data first."""
    named = {ResultName.of(path): path for path in model.parent.glob(f"{model.stem}*_result.npz")}
    own = [name for name in named if name.run == model.stem]
    return [named[n] for n in sorted(own, key=lambda n: (n.tested_on or "", n.flip_test))]


def exports_of(model: Path) -> dict[Ending, Path]:
    """Every export beside a model's file that is there."""
    paths = {ending: model.with_name(model.stem + ending) for ending in Ending}
    return {ending: path for ending, path in paths.items() if path.exists()}


@dataclass(frozen=True)
class Run:
    """The names and paths of a run; runs on different data share no file."""

    architecture: str
    layers: str
    """"fc" (FT-F) or "all" (FT-A)."""
    data: TrainingData
    folders: Folders
    leaking: bool = False
    """Whether it learns from the test images too, to find an upper limit; its accuracies prove
    nothing."""

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.data.dataset

    @property
    def percent(self) -> float:
        """How much of each class it learns from."""
        return self.data.percent

    @property
    def name(self) -> str:
        """Such as `fc_layers_mobilenet`, or `test_fc_layers_mobilenet` for a part of the data."""
        part = "test_" if self.percent < 100 else ""
        leak = LEAKING if self.leaking else ""
        return f"{part}{leak}{self.data.prefix}{self.layers}_layers_{self.architecture}"

    @property
    def way(self) -> str:
        """FT-F or FT-A, the paper's words."""
        return {"fc": "FT-F", "all": "FT-A"}[self.layers]

    @property
    def flags(self) -> list[str]:
        """The flags that tell a script which of its network's runs is meant."""
        part = ["--percent", f"{self.percent:g}"] if self.percent < 100 else []
        leak = ["--include-test-data"] if self.leaking else []
        variant = networks.variant_flags(self.architecture)
        return [*variant, "--dataset", self.dataset, *part, *self.data.words, *leak]

    @property
    def training_command(self) -> str:
        """The command that a person types to train the model."""
        script = networks.training_script(self.architecture, self.layers)
        return shown_command(script, *self.flags)

    def prediction_command(self, *words: str) -> str:
        """The command that a person types to test the model, with more words such as
        `--test-on ttd`."""
        script = networks.prediction_script(self.architecture, self.layers)
        return shown_command(script, *self.flags, *words)

    @property
    def measuring_command(self) -> str:
        """The command that a person types to measure what predicting costs on a CPU."""
        data = TrainingData(self.dataset, self.percent)
        plain = replace(self, architecture="", data=data)  # all networks are measured together
        return " ".join(["python scripts/measure_inference.py", *plain.flags])

    @property
    def mark(self) -> str:
        """Begins every accuracy of a leaking run."""
        return "LEAKING, " if self.leaking else ""

    @property
    def _models(self) -> Path:
        return self.folders.models_dir / self.dataset

    @property
    def model(self) -> Path:
        """The trained model in Keras' format."""
        return self._models / f"{self.name}.keras"

    @property
    def checkpoint(self) -> Path:
        """The state that stopped training goes on from; removed when training has finished."""
        return self._models / f"{self.name}_checkpoint.npz"

    def exported(self, ending: Ending) -> Path:
        """The model in another format."""
        return self._models / (self.name + ending)

    def result(self, tested_on: str, flip_test: bool = False) -> Path:
        """Predictions for the test split of the run's own data, or of another data set.

        Args:
            flip_test: those of mirror images are in them, too.
        """
        flip = "_flip" if flip_test else ""
        on = "" if tested_on == self.dataset else f"_on_{tested_on}"
        return self._models / f"{self.name}{flip}{on}_result.npz"

    def results(self) -> list[Path]:
        """Every result that is there."""
        return results_of(self.model)

    def exports(self) -> list[Path]:
        """Every exported model that is there."""
        return list(exports_of(self.model).values())

    def log_file(self, ending: str) -> Path:
        """Such as `fc_layers_mobilenet_history.csv` for the ending `_history.csv`."""
        return self.folders.logs_dir / self.dataset / (self.name + ending)

    @property
    def history(self) -> Path:
        """What training reached, a row an epoch."""
        return self.log_file("_history.csv")

    @property
    def resources(self) -> Path:
        """Load and memory while training, a row a second."""
        return self.log_file("_resources.csv")

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's record of the training."""
        return self.log_file("_tensorboard")

    @property
    def inference(self) -> Path:
        """The costs of predicting on a CPU."""
        return self.log_file("_inference.json")

    @property
    def manifest(self) -> Path:
        """What the last attempt to train depends on, and how it ended."""
        return self.log_file("_run.json")
