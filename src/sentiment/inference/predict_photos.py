"""Any photos predicted by an exported model: a CSV file, a page to look at, folders by label."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from sentiment.base import cli, files, memory
from sentiment.base.errors import BadImage, UserError
from sentiment.base.progress import progress
from sentiment.inference import chosen_export

if TYPE_CHECKING:
    from sentiment.inference.answer_selection import Selection
    from sentiment.inference.answer_table import AnswerTable
    from sentiment.inference.folders_by_label import Way
    from sentiment.inference.interpreters import Answer, Interpreters

log = logging.getLogger(__name__)

PASSED_OVER_SHOWN = 3
"""Files passed over that are named on the screen."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/predict_photos.py`.

    Raises:
        UserError: a value is outside its range, or of no effect.
    """

    paths: tyro.conf.Positional[tuple[str, ...]]
    """Photos, folders, patterns such as "*.jpg", or - for a list on standard input."""
    model: Path = chosen_export.CHOSEN_MODEL
    """An exported model, a .tflite file."""
    output: Path | None = None
    """CSV file for the answers, written as they come; called again, rows that are there stay.
    Without it, the answers are shown on the screen."""
    gallery: Path | None = None
    """HTML file for a page that shows the photos by label, the surest first."""
    recursive: bool = False
    """Look into the folders in a folder, too."""
    top: int | None = None
    """Only so many photos of each label, the surest, go into the gallery or folders."""
    min_probability: float = 0.0
    """Only photos whose label has at least this probability go into the gallery or folders."""
    copy_into: Path | None = None
    """Folder for copies of the photos, in a folder a label; with --yes."""
    move_into: Path | None = None
    """Folder to move the photos to, into a folder a label; with --yes."""
    yes: bool = False
    """Copy or move; without it, only say what would be copied or moved."""
    overwrite: bool = False
    """Start the CSV file anew."""

    def __post_init__(self) -> None:
        for wrong, message in self._mistakes():
            if wrong:
                raise UserError(message)

    def _mistakes(self) -> list[tuple[bool, str]]:
        """What may be wrong with the values, and how it is said."""
        placed = bool(self.copy_into or self.move_into)
        chosen_from = self.top is not None or self.min_probability > 0
        return [
            (not self.paths, "no photo is named; give files, folders, patterns, or - for a list on "
                             "standard input"),
            (self.top is not None and self.top < 1, f"--top {self.top}: expected 1 or more"),
            (not 0 <= self.min_probability <= 1,
             f"--min-probability {self.min_probability:g}: expected 0 to 1"),
            (chosen_from and not (self.gallery or placed),
             "--top and --min-probability choose what --gallery, --copy-into and --move-into take; "
             "give one of these"),
            (bool(self.copy_into and self.move_into), "--copy-into, --move-into: expected one"),
            (self.yes and not placed, "--yes is of --copy-into and --move-into alone"),
        ]  # fmt: skip


@cli.command()
def main() -> None:
    """Run `scripts/predict_photos.py`."""
    predict_photos(cli.parse(Options))


def predict_photos(options: Options) -> None:
    """Predict photos, then make the gallery and the folders that are wanted.

    Raises:
        UserError: a path leads to nothing, there is no exported model, another model's answers are
            in the CSV file, or not one photo could be read.
    """
    exported = chosen_export.found(options.model)
    # Slow to import, so that --help and a wrong flag are answered without them.
    from joblib import cpu_count

    from sentiment.inference.answer_selection import Selection
    from sentiment.inference.answer_table import AnswerTable
    from sentiment.inference.interpreters import Interpreters

    photos = _photos(options)
    memory.give_back()
    model = Interpreters(exported, cpu_count())
    log.info("%s (%s, version %s), %d threads, %s photos", exported.stem,
             model.card["dataset"], model.version, cpu_count(), f"{len(photos):,}")  # fmt: skip
    with _file(options.output) as file:
        table = AnswerTable(file, model.class_names, model.version, options.overwrite)
        with contextlib.closing(table):
            _predict(model, photos, table, shown=not options.output)
        answers = Selection(
            table.rows(), dict.fromkeys(photos), model.class_names, options.top,
            options.min_probability,
        )  # fmt: skip
    _log_answers(answers, options.output)
    if options.gallery:
        _write_gallery(options.gallery, f"{exported.stem}, version {model.version}", answers)
    if options.copy_into:
        _place(answers, options.copy_into, "copy", options.yes)
    if options.move_into:
        _place(answers, options.move_into, "move", options.yes)


def _photos(options: Options) -> list[str]:
    """The photos that are named.

    Raises:
        UserError: a path leads to nothing, or a folder has no photo.
    """
    from sentiment.inference import photo_paths  # Pillow, which --help does without

    named = photo_paths.named(options.paths, options.recursive)
    if named.passed_over:
        more = ", ..." if len(named.passed_over) > PASSED_OVER_SHOWN else ""
        log.info("Passed over %s files that are no photos: %s%s", f"{len(named.passed_over):,}",
                 ", ".join(named.passed_over[:PASSED_OVER_SHOWN]), more)  # fmt: skip
    if not named.photos:
        raise UserError(f"{' '.join(options.paths)}: names no photo")
    return named.photos


@contextlib.contextmanager
def _file(output: Path | None) -> Iterator[Path]:
    """The CSV file, kept from other processes; one for the moment where none is wanted.

    Raises:
        UserError: another process writes it.
    """
    if output:
        with files.locked(output):
            yield output
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "answers.csv"


def _predict(model: "Interpreters", photos: list[str], table: "AnswerTable", shown: bool) -> None:
    """Predict the photos that have no row yet, on all cores; each row is written as it comes.

    Args:
        shown: show each answer on the screen, not progress.
    """
    from sentiment.inference import file_answers

    left = [path for path in photos if path not in table.done]
    before = len(photos) - len(left)
    if before:
        log.info("  goes on: %s of them were predicted before", f"{before:,}")
    bar = progress("predicting", len(photos), "photos", before)
    with contextlib.nullcontext() if shown else bar as advance:
        for path, said in zip(left, file_answers.answers(model, left), strict=True):
            table.add(path, said)
            if advance:
                advance(1)
            else:
                log.info("%s: %s", path, _in_words(said))


def _in_words(said: "Answer | BadImage") -> str:
    if isinstance(said, BadImage):
        return str(said)
    return f"{said.label} {said.probabilities.max():.4f}"


def _log_answers(answers: "Selection", output: Path | None) -> None:
    """Say how many photos have each label, and how many could not be read.

    Raises:
        UserError: not one could be read.
    """
    for label, count in sorted(answers.counts.items()):
        log.info("  %s %s", f"{count:,}", label)
    if output:
        log.info("Saved %s", output)
    unread = len(answers.problems)
    if unread and not answers.counts:
        first = answers.problems[0]
        raise UserError(f"not one photo could be read; the first is {first.path}: {first.problem}")
    if unread:
        log.info("  %s could not be read", f"{unread:,}")


def _write_gallery(file: Path, model: str, answers: "Selection") -> None:
    from sentiment.inference import answer_gallery

    with progress("gallery", answer_gallery.count(answers), "photos") as advance:
        answer_gallery.write(file, model, answers, advance)
    log.info("Saved %s", file)


def _place(answers: "Selection", folder: Path, way: "Way", yes: bool) -> None:
    """Copy or move the selected photos, or say what would be."""
    from sentiment.inference import folders_by_label

    found = folders_by_label.placings(answers.rows, folder, way)
    there = len(answers.rows) - len(found)
    if there:
        log.info("%s photos are in %s already", f"{there:,}", folder)
    if not found:
        return
    if yes:
        with progress(way, len(found), "photos") as advance:
            folders_by_label.place(found, way, advance)
    done = {"copy": "copied", "move": "moved"}[way]
    log.info("%s %s photos:", done.capitalize() if yes else f"Would {way}", f"{len(found):,}")
    for line in folders_by_label.in_words(found, folder):
        log.info("  %s", line)
    if not yes:
        log.info("Nothing was %s; --yes does it", done)
