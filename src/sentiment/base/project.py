"""The folders of this checkout, and those that the scripts read and write."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DATA_DIR, LOGS_DIR, MODELS_DIR = ROOT / "data", ROOT / "logs", ROOT / "saved_models"


@dataclass(frozen=True)
class Folders:
    """The folders that scripts read and write, each with a folder for every data set."""

    data_dir: Path = DATA_DIR
    """Prepared data."""
    logs_dir: Path = LOGS_DIR
    """Histories, resources, logs, manifests and reports."""
    models_dir: Path = MODELS_DIR
    """Models, and the results of their tests."""
    features_dir: Path | None = None
    """FT-F's stored features; without it they lie beside the prepared data."""

    @property
    def flags(self) -> list[str]:
        """The words that give a script these folders."""
        features = ["--features-dir", str(self.features_dir)] if self.features_dir else []
        return [
            *("--data-dir", str(self.data_dir)),
            *("--logs-dir", str(self.logs_dir)),
            *("--models-dir", str(self.models_dir)),
            *features,
        ]


def shown_command(script: Path, *words: object) -> str:
    """The command that a person types to run `script` with these words."""

    shown = script.relative_to(ROOT) if script.is_relative_to(ROOT) else script
    return " ".join(["ipython", str(shown), "--", *map(str, words)]).removesuffix(" --")
