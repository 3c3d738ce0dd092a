"""The exported model that a command takes unless told otherwise, and whether one is there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.model import model_file, model_origin
from sentiment.model.networks import DEFAULT
from sentiment.runs.run_files import Ending, Run, TrainingData

CHOSEN = Run(DEFAULT, "all", TrainingData(), Folders())
"""The run whose model the report chose for its application: MobileNetV2, FT-A."""

CHOSEN_MODEL = CHOSEN.exported(Ending.LITERT)


def found(wanted: Path) -> Path:
    """The exported model to take: the one wanted, or an imported one if that is the default and
    nothing was trained here.

    Raises:
        UserError: there is none; the message names the command that makes one.
    """
    if wanted.suffix == Ending.LITERT and wanted.is_file():
        return wanted
    default = wanted == CHOSEN_MODEL
    if default and (imported := next(_imported(Ending.LITERT), None)):
        return imported
    made_from = next(_imported(".keras"), CHOSEN.model) if default else "MODEL.keras"
    raise UserError(
        f"{wanted}: no exported model, a .tflite file; make one with "
        f"python scripts/export_model.py {made_from}"
    )


def _imported(ending: str) -> Iterator[Path]:
    """The imported models with this ending that lie beside those trained here, in order."""
    for file in sorted(CHOSEN.folders.models_dir.glob(f"*/*{ending}")):
        with contextlib.suppress(UserError):  # no model of this project
            if model_origin.is_imported(model_file.read_card(file)):
                yield file
