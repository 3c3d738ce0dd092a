"""The exported model that a command takes unless told otherwise, and whether one is there."""

from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.model.networks import DEFAULT
from sentiment.runs.run_files import Ending, Run, TrainingData

CHOSEN = Run(DEFAULT, "all", TrainingData(), Folders())
"""The run whose model the report chose for its application: MobileNetV2, FT-A."""

CHOSEN_MODEL = CHOSEN.exported(Ending.LITERT)


def check(model: Path) -> None:
    """Check that a path leads to an exported model, by its name.

    Raises:
        UserError: it does not; the message names the command that makes one.
    """
    if model.suffix != ".tflite" or not model.is_file():
        trained = CHOSEN.model if model == CHOSEN_MODEL else "MODEL.keras"
        raise UserError(
            f"{model}: no exported model, a .tflite file; make one with "
            f"python scripts/export_model.py {trained}"
        )
