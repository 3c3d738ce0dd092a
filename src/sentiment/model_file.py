"""A trained model on the disk: Keras' own format with the run's card inside.

A `.keras` file is a zip archive. One more member, which Keras leaves alone, holds the
run's manifest: a model always knows its classes and what it was trained on. A `.tflite`
file carries it too, in an archive behind its end, where LiteRT does not look.
"""

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment import files
from sentiment.errors import UserError

if TYPE_CHECKING:
    import keras

CARD = "run.json"


def save(model: "keras.Model", path: Path, card: dict) -> None:
    """Save a model with its card, whole or not at all."""
    with files.whole_file(path) as temporary:
        model.save(temporary)
        add_card(temporary, card)


def add_card(path: Path, card: dict) -> None:
    """Put a card into a model's file, or behind a file that is no zip archive."""
    member = zipfile.ZipInfo(CARD)  # without the time, so that the same card gives the same bytes
    member.external_attr = 0o644 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, json.dumps(card, indent=2))


def load(path: Path) -> "keras.Model":
    """Load a model in Keras' safe mode, uncompiled.

    Raises:
        UserError: the file is damaged.
    """
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).split("\n", 1)[0][:200]
        raise UserError(f"{path}: damaged ({reason}); train it again") from error


def read_card(path: Path) -> dict:
    """Read the card of a saved model, without Keras.

    Raises:
        UserError: the file is no model of this project, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(CARD))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a model saved by these scripts ({error})") from None
