"""A trained model on the disk: Keras' own format with the run's card inside.

A `.keras` file is a zip archive. One more member, which Keras leaves alone, holds the
run's manifest: a model always knows its classes and what it was trained on. A `.tflite`
file carries it too, in an archive behind its end, where LiteRT does not look. The archive's
comment, the last bytes of the file, is the SHA-256 of all before it.
"""

import contextlib
import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.base import files, provenance
from sentiment.base.errors import UserError, first_line
from sentiment.model.temperature import CALIBRATION

if TYPE_CHECKING:
    import keras

CARD, WEIGHTS = "run.json", "model.weights.h5"

LEAKS = "include_test_data"
"""The card's entry, true, of a model that has learned from the test images."""

REFUSALS = (
    OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, zipfile.BadZipFile,
)  # fmt: skip
"""What Keras raises for a file that it does not understand."""

SEAL, DIGITS = b"sha256:", 64
"""The comment's beginning, and the hexadecimal digits after it."""


def save(model: "keras.Model", path: Path, card: dict) -> None:
    """Save a model with its card, whole or not at all."""
    with files.whole_file(path) as temporary:
        model.save(temporary)
        add_card(temporary, card)


def add_card(path: Path, card: dict) -> None:
    """Put a card into a model's file, or behind a file that is no zip archive, and seal it."""
    member = zipfile.ZipInfo(CARD)  # without the time, so that the same card gives the same bytes
    member.external_attr = 0o644 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, json.dumps(card, indent=2))
        archive.comment = SEAL + bytes(DIGITS)
    digest = _digest(path)
    with path.open("r+b") as stream:
        stream.seek(-DIGITS, 2)
        stream.write(digest)


def check(path: Path) -> None:
    """Compare a model's file with its seal.

    Raises:
        UserError: it is damaged, or no model of this project.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(-len(SEAL) - DIGITS, 2)
            seal = stream.read()
        whole = seal == SEAL + _digest(path)
    except OSError as error:
        raise UserError(f"{path}: not a model saved by these scripts ({error})") from None
    if not whole:
        raise UserError(f"{path}: damaged (its bytes are not those written); make it again")


def _digest(path: Path) -> bytes:
    """SHA-256 of a file but for the digits at its end, in digits."""
    left, digest = path.stat().st_size - DIGITS, hashlib.sha256()
    with path.open("rb") as stream:
        while left > 0 and (part := stream.read(min(left, 2**20))):
            digest.update(part)
            left -= len(part)
    return digest.hexdigest().encode()


def load(path: Path, compiled: bool = False) -> "keras.Model":
    """Load a model in Keras' safe mode.

    Args:
        compiled: with the optimiser and its state, which are saved again with it.

    Raises:
        UserError: the file is damaged, or this version of Keras cannot load it.
    """
    import keras

    with _unpacked(path, "metadata.json", "config.json", WEIGHTS) as folder:
        return keras.saving.load_model(folder, compile=compiled, safe_mode=True)


def load_weights(model: "keras.Model", path: Path) -> None:
    """Give a model the weights of a saved one with the same layers.

    Raises:
        UserError: the file is damaged, of another model, or this version of Keras cannot load it.
    """
    with _unpacked(path, WEIGHTS) as folder:
        model.load_weights(folder / WEIGHTS)


@contextlib.contextmanager
def _unpacked(path: Path, *members: str) -> Iterator[Path]:
    """Unpack a whole model's members for Keras, and translate its errors.

    Keras itself would unpack the archive twice because of the card, once into memory, and would
    jump to and fro within it for weights alone: 4.9 s for VGG19, and 15 s for InceptionResNetV2.
    """
    with (
        _checked(path),
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(path) as archive,
    ):
        archive.extractall(folder, members)
        yield Path(folder)


@contextlib.contextmanager
def _checked(path: Path) -> Iterator[None]:
    """Raise what Keras finds wrong in a model's file, whose seal is right, as a UserError."""
    check(path)
    try:
        yield
    except REFUSALS as error:
        card = read_card(path)
        then = card.get(CALIBRATION, card).get("versions", {}).get("keras")
        now = provenance.versions()["keras"]
        remedy = f"install Keras {then}, which saved it, or " if then not in (None, now) else ""
        raise UserError(
            f"{path}: whole, but Keras {now} cannot load it ({first_line(error)}); "
            f"{remedy}train it again"
        ) from error


def usable_card(path: Path) -> dict:
    """Read the card of a `.keras` file that is for use.

    Raises:
        UserError: there is no such file, it is of another kind, or not for use.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a model that a training script saved")
    if path.suffix != ".keras":
        raise UserError(f"{path}: expected a model that a training script saved, a .keras file")
    card = read_card(path)
    refuse_leaking(path, card)
    return card


def refuse_leaking(path: Path, card: dict) -> None:
    """Let no model out that has learned from the test images.

    Raises:
        UserError: this one has.
    """
    if card.get(LEAKS):
        raise UserError(
            f"{path}: LEAKING: it has learned from the test images (--include-test-data), to find "
            "an upper limit; it is not for use"
        )


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
