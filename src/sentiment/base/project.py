"""Where things lie in this checkout, and where the scripts write."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DATA_DIR, LOGS_DIR, MODELS_DIR = ROOT / "data", ROOT / "logs", ROOT / "saved_models"


@dataclass(frozen=True)
class Folders:
    """The three folders that scripts read and write, each with a folder for every data set."""

    data_dir: Path = DATA_DIR
    """Prepared data."""
    logs_dir: Path = LOGS_DIR
    """Histories, resources, logs, manifests and reports."""
    models_dir: Path = MODELS_DIR
    """Models, and the results of their tests."""

    @property
    def flags(self) -> list[str]:
        """The words that give a script these folders."""
        return [
            *("--data-dir", str(self.data_dir)),
            *("--logs-dir", str(self.logs_dir)),
            *("--models-dir", str(self.models_dir)),
        ]


def shown_command(script: Path, *words: object) -> str:
    """What a person types to run `script`."""
    shown = script.relative_to(ROOT) if script.is_relative_to(ROOT) else script
    return " ".join(["ipython", str(shown), "--", *map(str, words)]).removesuffix(" --")
