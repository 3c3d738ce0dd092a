"""A run: one network trained one way on one data set, and the names of the files it leaves."""

from dataclasses import dataclass
from pathlib import Path

from sentiment.errors import UserError

EXPORTS = (".tflite", "_int8.tflite", ".onnx", "_saved_model")
"""What follows a run's name in the names of its exported models."""

LEAKING = "leaking_"
"""What the name of a run that learns from the test images begins with, behind test_."""


@dataclass(frozen=True)
class Run:
    """The names and paths of a run; runs on different data share no file.

    Raises:
        UserError: the percent is outside (0, 100].
    """

    architecture: str
    layers: str
    """"fc" (FT-F) or "all" (FT-A)."""
    dataset: str
    percent: float
    logs_dir: Path
    models_dir: Path
    leaking: bool = False
    """It learns from the test images too, to find an upper limit: no result may rest on it."""

    def __post_init__(self) -> None:
        if not 0 < self.percent <= 100:
            raise UserError(f"--percent {self.percent:g}: expected more than 0, at most 100")

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
        """What tells this run from others on a command line."""
        part = ["--percent", f"{self.percent:g}"] if self.percent < 100 else []
        leak = ["--include-test-data"] if self.leaking else []
        return ["--dataset", self.dataset, *part, *leak]

    @property
    def mark(self) -> str:
        """What every accuracy of a leaking run begins with."""
        return "LEAKING, " if self.leaking else ""

    @property
    def model(self) -> Path:
        return self.models_dir / self.dataset / f"{self.name}.keras"

    @property
    def checkpoint(self) -> Path:
        """What training goes on from after it was stopped; gone when it has finished."""
        return self.models_dir / self.dataset / f"{self.name}_checkpoint.npz"

    def exported(self, ending: str = ".tflite") -> Path:
        """The model in another format, one of EXPORTS."""
        return self.models_dir / self.dataset / (self.name + ending)

    def result(self, tested_on: str) -> Path:
        """Predictions for the test split of the run's own data, or of another data set."""
        other = "" if tested_on == self.dataset else f"_on_{tested_on}"
        return self.models_dir / self.dataset / f"{self.name}{other}_result.npz"

    def results(self) -> list[Path]:
        """Every result that is there."""
        folder = self.models_dir / self.dataset
        others = folder.glob(f"{self.name}_on_*_result.npz")
        return sorted({*folder.glob(self.result(self.dataset).name), *others})

    def exports(self) -> list[Path]:
        """Every exported model that is there."""
        return [path for path in map(self.exported, EXPORTS) if path.exists()]

    def log_file(self, ending: str) -> Path:
        """Such as `fc_layers_mobilenet_history.csv` for the ending `_history.csv`."""
        return self.logs_dir / self.dataset / (self.name + ending)

    @property
    def history(self) -> Path:
        return self.log_file("_history.csv")

    @property
    def resources(self) -> Path:
        return self.log_file("_resources.csv")

    @property
    def inference(self) -> Path:
        """What predicting costs on a CPU."""
        return self.log_file("_inference.json")

    @property
    def manifest(self) -> Path:
        return self.log_file("_run.json")
