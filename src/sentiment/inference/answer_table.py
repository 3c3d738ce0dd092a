"""The CSV file of a model's answers to photos, written as they come, from where it was stopped."""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sentiment.base.errors import BadImage, UserError
from sentiment.base.journal import Journal
from sentiment.inference.interpreters import Answer


class Row(NamedTuple):
    """A row of the table that is there."""

    path: str
    label: str
    """Empty where the photo could not be read."""
    sureness: float
    """Probability of the label; 0 where the photo could not be read."""
    problem: str


class AnswerTable:
    """A CSV file with a row a photo: path, label, a probability a class, seconds, problem.

    Rows that are there stay: a later call adds those of other photos. A hidden file beside it says
    which model they are of.

    Args:
        file: the CSV file; keep other processes out with `files.locked`.
        class_names: the model's classes.
        version: tells the model from others.
        overwrite: start anew.

    Raises:
        UserError: another model's answers, or something else, are there.
    """

    def __init__(self, file: Path, class_names: Sequence[str], version: str, overwrite: bool):
        self.file, self._classes = file, len(class_names)
        self._header = ["path", "label", *class_names, "seconds", "problem"]
        origin = file.with_name(f".{file.name}.journal")
        if overwrite or not file.exists():
            origin.unlink(missing_ok=True)
            file.unlink(missing_ok=True)
        elif not origin.exists():
            raise UserError(
                f"{file}: is there, and nothing says which model wrote it; choose another "
                "--output, or --overwrite it"
            )
        difference = Journal(origin, {"model": version}).difference
        if difference:
            raise UserError(f"{file}: written with {difference}; --overwrite starts anew")
        self.done = {row.path for row in self._take_up()}
        """The photos that have rows."""
        self._stream = file.open("a", newline="", encoding="utf-8", errors="surrogateescape")
        self._writer = csv.writer(self._stream)
        if not file.stat().st_size:
            self._writer.writerow(self._header)

    def add(self, path: str, answer: Answer | BadImage) -> None:
        """Write a photo's row, so that a kill costs no row that is behind it."""
        if isinstance(answer, BadImage):
            self._writer.writerow([path, "", *[""] * self._classes, "", answer])
        else:
            seconds = round(answer.decode_seconds + answer.inference_seconds, 4)
            self._writer.writerow([path, answer.label, *answer.probabilities.tolist(), seconds, ""])
        self._stream.flush()

    def close(self) -> None:
        """Make all rows reach the disk."""
        os.fsync(self._stream.fileno())
        self._stream.close()

    def rows(self) -> Iterator[Row]:
        """The rows that are there, one after the other.

        Raises:
            UserError: the file is not as it was written.
        """
        for row, _ in self._read():
            yield row

    def _take_up(self) -> Iterator[Row]:
        """The rows that are there; a last one that a killed process left torn is cut off."""
        end = 0
        if self.file.exists():
            for row, place in self._read():
                end = place
                yield row
            with self.file.open("r+b") as stream:
                stream.truncate(end)

    def _read(self) -> Iterator[tuple[Row, int]]:
        """Rows, each with the place where it ends in the file; a torn last one is left out."""
        with self.file.open("rb") as stream:
            reader = csv.reader(_whole_lines(stream))
            if next(reader, self._header) != self._header:
                raise UserError(
                    f"{self.file}:1: expected the columns {', '.join(self._header)}; choose "
                    "another --output, or --overwrite it"
                )
            for cells in reader:
                if len(cells) == len(self._header):
                    yield self._row(cells, reader.line_num), stream.tell()

    def _row(self, cells: list[str], line: int) -> Row:
        path, label, *probabilities = cells[: 2 + self._classes]
        try:
            sureness = max(map(float, probabilities)) if label else 0.0
        except ValueError as error:
            raise UserError(
                f"{self.file}:{line}: damaged ({error}); --overwrite starts anew"
            ) from None
        return Row(path, label, sureness, cells[-1])


def _whole_lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a file that end as lines do."""
    for line in stream:
        if line.endswith(b"\n"):
            yield line.decode("utf-8", "surrogateescape")
