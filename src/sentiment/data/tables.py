"""Tables that people bring: CSV, TSV, JSON lines and Parquet, read row by row."""

import csv
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sentiment.base.errors import UserError
from sentiment.data import text_lines

JSON, PARQUET = (".jsonl", ".ndjson", ".json"), (".parquet", ".pq")
SUFFIXES = (".csv", ".tsv", ".tab", *JSON, *PARQUET)
"""Endings of the names of tables."""

DELIMITERS = ",;\t|"
"""Delimiters of CSV; a table's is the one that cuts its header into the most columns."""

SHOWN = 8
"""Columns that a message names; a table may have hundreds."""


class Row(NamedTuple):
    """A row of a table."""

    where: str
    """Its file and line, for messages."""
    values: dict[str, Any]
    """Its values by column: texts in CSV and TSV, whatever was written in JSON and Parquet."""

    def text(self, column: str) -> str:
        """A value as text without blanks around it; empty if there is none."""
        value = self.values.get(column)
        return "" if value is None else str(value).strip()

    def number(self, column: str) -> float:
        """A value as a number.

        Raises:
            UserError: it is none.
        """
        try:
            return float(self.text(column))
        except ValueError:
            raise UserError(
                f"{self.where}: {self.text(column)[:80]!r} in column {column}; expected a number"
            ) from None


class Table:
    """A table on disk, whose rows are read anew by each loop over it; none is kept.

    Args:
        file: CSV or TSV with a header line, JSON lines, a JSON list of objects, or Parquet. What
            its name ends in decides which; every other ending is read as CSV.

    Raises:
        UserError: the file is missing, empty or of another form.
    """

    def __init__(self, file: Path):
        if not file.is_file():
            raise UserError(f"{file}: no such table")
        self.file = file
        suffix = file.suffix.lower()
        if suffix in PARQUET:
            self._rows = self._parquet_rows
        elif suffix in JSON:
            self._rows = self._json_rows
        else:
            self._rows = self._csv_rows
        self.columns: tuple[str, ...] = self._header()
        """Names of the columns; in JSON those of the first object."""

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows.

        Raises:
            UserError: a row, which is named by its line, is of another form.
        """
        return self._rows()

    def column(self, what: str, flag: str, usual: Iterable[str], wanted: str | None = None) -> str:
        """Find the column that holds something.

        Args:
            what: what it holds, for messages.
            flag: the flag that would name it, for messages.
            usual: names that such columns usually have, lower case, the most certain first.
            wanted: its name, if that is known.

        Raises:
            UserError: there is no such column.
        """
        if wanted is not None:
            if wanted in self.columns:
                return wanted
            raise UserError(f"{self.file}: no column {wanted}; {self._have()}")
        if found := self.usual_column(usual):
            return found
        raise UserError(
            f"{self.file}: which column holds {what}? {self._have()}; say it with {flag}"
        )

    def usual_column(self, usual: Iterable[str]) -> str | None:
        """The column of the first of these names that there is, in any case; None if none is."""
        by_name = {column.strip().lower(): column for column in reversed(self.columns)}
        return next((by_name[name] for name in usual if name in by_name), None)

    def _have(self) -> str:
        more = ", ..." if len(self.columns) > SHOWN else ""
        return f"it has {', '.join(self.columns[:SHOWN])}{more}"

    def _header(self) -> tuple[str, ...]:
        first = next(self._rows(), None)
        if first is None:
            raise UserError(f"{self.file}: no row; expected a table with a header and rows")
        return tuple(first.values)

    def _csv_rows(self) -> Iterator[Row]:
        with text_lines.opened(self.file) as text:
            reader = csv.reader(text, delimiter=self._delimiter(), strict=True)
            try:
                filled = (row for row in reader if any(row))
                header = next(filled, [])
                self._check_header(header)
                for row in filled:
                    where = f"{self.file}:{reader.line_num}"
                    if len(row) != len(header):
                        raise UserError(
                            f"{where}: {len(row)} fields; expected {len(header)}, as the header "
                            f"has: {', '.join(header[:SHOWN])}"
                        )
                    yield Row(where, dict(zip(header, row, strict=True)))
            except csv.Error as error:
                raise UserError(f"{self.file}:{reader.line_num}: not CSV ({error})") from None

    def _delimiter(self) -> str:
        if self.file.suffix.lower() in (".tsv", ".tab"):
            return "\t"
        with text_lines.opened(self.file) as text:
            start = list(itertools.islice(text, 100))  # a header's names may hold line ends
        return max(DELIMITERS, key=lambda d: len(next(csv.reader(start, delimiter=d), [])))

    def _check_header(self, header: list[str]) -> None:
        for name in header:
            if header.count(name) > 1:
                raise UserError(f"{self.file}:1: two columns are called {name!r}; name them apart")

    def _json_rows(self) -> Iterator[Row]:
        with text_lines.opened(self.file) as text:
            first = text.read(1)
            while first.isspace():
                first = text.read(1)
        entries = self._json_list() if first == "[" else self._json_lines()
        for where, entry in entries:
            if not isinstance(entry, dict):
                raise UserError(f"{where}: expected an object with named values, such as {{...}}")
            yield Row(where, entry)

    def _json_list(self) -> Iterator[tuple[str, Any]]:
        with text_lines.opened(self.file) as text:
            try:
                entries = json.load(text)
            except ValueError as error:
                raise UserError(f"{self.file}: not JSON ({error})") from None
        for number, entry in enumerate(entries, 1):
            yield f"{self.file}, entry {number}", entry

    def _json_lines(self) -> Iterator[tuple[str, Any]]:
        with text_lines.opened(self.file) as text:
            for number, line in enumerate(text, 1):
                where = f"{self.file}:{number}"
                try:
                    if not line.isspace():
                        yield where, json.loads(line)
                except ValueError as error:
                    raise UserError(f"{where}: not JSON ({error})") from None

    def _parquet_rows(self) -> Iterator[Row]:
        try:
            from pyarrow import ArrowInvalid, parquet
        except ModuleNotFoundError:
            raise UserError(f"{self.file}: Parquet needs a package: pip install pyarrow") from None
        number = itertools.count(1)
        try:
            with parquet.ParquetFile(self.file) as content:
                for batch in content.iter_batches(batch_size=1024):
                    for values in batch.to_pylist():
                        yield Row(f"{self.file}, row {next(number)}", values)
        except (ArrowInvalid, OSError) as error:
            raise UserError(f"{self.file}: not whole Parquet ({error})") from None
