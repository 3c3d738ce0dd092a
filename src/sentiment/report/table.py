"""A table of figures: for a screen, for a page, in Markdown."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sentiment.base import files, lettering
from sentiment.runs.collect import Missing

TO_GET_IT = "to get it"
"""The column that says why a row's figures are missing and what makes them: a Missing, or None."""

BALANCED = "balanced"
"""The column of balanced accuracy, which a table has where classes are uneven."""

FRACTION, RATIO, ONE_DIGIT, COUNT = ".4f", ".3f", ",.1f", ",.0f"
"""Formats of figures, as `format()` takes them."""


def drop_empty(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame without those of the columns in which no row has a value."""
    empty = [column for column in columns if column in frame and frame[column].isna().all()]
    return frame.drop(columns=empty)


def _escaped(text: str) -> str:
    """The text of a Markdown table's cell: nothing in it ends the cell or begins a tag."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split("\n"))


@dataclass(frozen=True)
class Cell:
    """A cell of a page's table."""

    text: str
    columns: int = 1
    """How many columns the cell takes."""
    missing: Missing | None = None
    """What is missing in these columns."""


@dataclass(frozen=True)
class Table:
    """Figures with a row a model, or a pair of models."""

    name: str
    """Name of the table's files."""
    title: str
    frame: pd.DataFrame
    """The figures as the CSV has them; the first column names the row, missing ones are NaN."""
    formats: dict[str, str]
    """How to show the figures of a column, as `format()` takes it, such as `.4f`."""
    notes: list[str] = field(default_factory=list)

    def cells(self) -> list[list[str]]:
        """The texts to show, by row; the first missing figure says why it is missing."""
        return [self._texts(row) for row in self.frame.to_dict("records")]

    @property
    def page_columns(self) -> list[str]:
        """The columns' names for a page, which says in other ways how to get what is missing."""
        return [column for column in self.frame if column != TO_GET_IT]

    def page_rows(self) -> list[list[Cell]]:
        """The rows for a page: a wide cell in place of what is missing says how to get it."""
        return [self._page_cells(row) for row in self.frame.to_dict("records")]

    def lines(self) -> list[str]:
        """The lines for a screen: figures to the right, under their columns' names."""
        cells = [list(self.frame), *self.cells()]
        widths = [max(map(lettering.width, column)) for column in zip(*cells, strict=True)]
        return [
            "  ".join(
                [lettering.left(row[0], widths[0]), *map(lettering.right, row[1:], widths[1:])]
            )
            for row in cells
        ]

    def markdown(self) -> str:
        """Title, table and notes."""
        rows = [list(self.frame), ["---"] * self.frame.shape[1], *self.cells()]
        lines = ["| " + " | ".join(map(_escaped, row)) + " |" for row in rows]
        return "\n".join([f"### {self.title}", "", *lines, "", *(f"- {n}" for n in self.notes), ""])

    def save(self, folder: Path) -> None:
        """Write the table as CSV and as Markdown."""
        texts = {".csv": self.frame.to_csv(index=False), ".md": self.markdown()}
        for ending, text in texts.items():
            with files.whole_file(folder / f"{self.name}{ending}") as temporary:
                temporary.write_text(text, encoding="utf-8")

    def _texts(self, row: dict) -> list[str]:
        missing = row.get(TO_GET_IT)
        state = missing.state if missing else "-"
        texts = []
        for column, value in row.items():
            if column == TO_GET_IT:
                texts.append(str(missing or ""))
            elif isinstance(value, str):
                texts.append(value)
            elif pd.isna(value):
                texts.append(state)
                state = "-"
            else:
                texts.append(format(value, self.formats.get(column, "")))
        return texts

    def _page_cells(self, row: dict) -> list[Cell]:
        missing = row.pop(TO_GET_IT, None)
        cells = [Cell(text) for text in self._texts(row)]
        gaps = [bool(pd.isna(value)) for value in row.values()]
        if not missing or not any(gaps):
            return cells
        first = gaps.index(True)
        width = len(list(itertools.takewhile(bool, gaps[first:])))
        wide = Cell(missing.state, width, missing)
        return [*cells[:first], wide, *cells[first + width :]]
