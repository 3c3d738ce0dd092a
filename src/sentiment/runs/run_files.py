"""A run: one network trained one way on one data set, and the names of the files it leaves."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.base.project import Folders, shown_command
from sentiment.model import networks


class Ending(StrEnum):
    """Ends the name of an exported model, behind the run's name."""

    LITERT = ".tflite"
    LITERT_INT8 = "_int8.tflite"
    ONNX = ".onnx"
    SAVED_MODEL = "_saved_model"


LEAKING = "leaking_"
"""Begins the name of a run that learns from the test images, behind test_."""


BATCHES = (1, 15)
"""Images a call in which inference is measured: one photo, and as many as the report timed."""


@dataclass(frozen=True)
class TrainingData:
    """The data that a model learns from, or has learned from.

    Raises:
        UserError: the percent is outside (0, 100].
    """

    dataset: str = "t4sa"
    """Name of prepared data."""
    percent: float = 100.0
    """This much of each class, in training and validation; under 100 all files are called
    test_... The test split is always whole."""

    def __post_init__(self) -> None:
        if not 0 < self.percent <= 100:
            raise UserError(f"--percent {self.percent:g}: expected more than 0, at most 100")


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
        return f"{part}{LEAKING if self.leaking else ''}{self.layers}_layers_{self.architecture}"

    @property
    def way(self) -> str:
        """FT-F or FT-A, the paper's words."""
        return {"fc": "FT-F", "all": "FT-A"}[self.layers]

    @property
    def flags(self) -> list[str]:
        """The flags that tell a script which of its network's runs is meant."""
        part = ["--percent", f"{self.percent:g}"] if self.percent < 100 else []
        leak = ["--include-test-data"] if self.leaking else []
        return ["--dataset", self.dataset, *part, *leak]

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
        return " ".join(["python scripts/measure_inference.py", *self.flags])

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

    def result(self, tested_on: str) -> Path:
        """Predictions for the test split of the run's own data, or of another data set."""
        on = "" if tested_on == self.dataset else f"_on_{tested_on}"
        return self._models / f"{self.name}{on}_result.npz"

    def results(self) -> list[Path]:
        """Every result that is there."""
        on_other_data = self._models.glob(f"{self.name}_on_*_result.npz")
        return sorted({*self._models.glob(self.result(self.dataset).name), *on_other_data})

    def exports(self) -> list[Path]:
        """Every exported model that is there."""
        return [path for path in map(self.exported, Ending) if path.exists()]

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
