"""A table of figures: for a screen, for a page, in Markdown."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

TO_GET_IT = "to get it"
"""The column that says what is missing, why, and the command that makes it."""


@dataclass(frozen=True)
class Table:
    """Figures with a row a model, or a pair of models."""

    name: str
    """Of its files."""
    title: str
    frame: pd.DataFrame
    """As they are in the CSV; the first column names the row, missing figures are NaN."""
    formats: dict[str, Callable[[float], str]]
    """How to show the figures of a column."""
    notes: list[str] = field(default_factory=list)

    def cells(self) -> list[list[str]]:
        """What is shown, by row; the first missing figure says why it is missing."""
        return [self._shown(row) for row in self.frame.to_dict("records")]

    def spans(self) -> list[list[tuple[str, str, int]]]:
        """For a page: the same, but what is missing is one wide cell that says how to get it.

        Returns:
            By row, of each cell its text, the command in it, and the columns it takes.
        """
        columns = [c for c in self.frame if c != TO_GET_IT]
        rows = []
        for row, shown in zip(self.frame.to_dict("records"), self.cells(), strict=True):
            state, _, command = str(row.get(TO_GET_IT, "")).partition("; ")
            missing = [i for i, c in enumerate(columns) if pd.isna(row[c])] if state else []
            run = next((n for n, i in enumerate(missing) if i != missing[0] + n), len(missing))
            wide = set(missing[1:run])
            rows.append([
                (text, command, run) if missing and i == missing[0] else (text, "", 1)
                for i, text in enumerate(shown[: len(columns)]) if i not in wide
            ])  # fmt: skip
        return rows

    def lines(self) -> list[str]:
        """For a screen: figures to the right, under their columns' names."""
        cells = [list(self.frame), *self.cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in cells
        ]

    def markdown(self) -> str:
        """Title, table and notes."""
        rows = [list(self.frame), ["---"] * self.frame.shape[1], *self.cells()]
        lines = ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows]
        return "\n".join([f"### {self.title}", "", *lines, "", *(f"- {n}" for n in self.notes), ""])

    def _shown(self, row: dict) -> list[str]:
        state = str(row.get(TO_GET_IT) or "").split(";", 1)[0]
        shown = []
        for column, value in row.items():
            if isinstance(value, str):
                shown.append(value)
            elif pd.isna(value):
                shown.append(state or "-")
                state = ""
            else:
                shown.append(self.formats.get(column, str)(value))
        return shown
