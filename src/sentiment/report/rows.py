"""Rows of the report's tables: our figures, and beside them those that others published."""

from collections.abc import Iterable

import pandas as pd

from sentiment.report import published
from sentiment.report.published import Key
from sentiment.report.published_data import Data
from sentiment.report.table import BALANCED, TO_GET_IT, Table, drop_empty
from sentiment.runs.collect import Missing, TrainedModel
from sentiment.runs.others import Other

REPORT, PAPER, RERUN, SUCCESSOR = "report", "paper", "paper rerun", "successor"
"""Columns with what others published; see `published`."""

Figures = dict[str, float | str | None]
"""The figures of a row, by column; None where there is none."""

Shown = TrainedModel | Other
"""A model that has a row: trained here, or by others."""

PublishedColumns = dict[str, dict[Key, float]]
"""Published figures by column, and in each column by model."""


def row(model: Shown, figures: Figures, published: Figures, part: object) -> dict:
    """A model's row.

    Args:
        part: what the figures are of, or a Missing, which says how to get it.
    """
    return {
        "model": model.name,
        **figures,
        **published,
        TO_GET_IT: part if isinstance(part, Missing) else None,
    }


def published_figures(model: Shown, data: Data, columns: PublishedColumns) -> Figures:
    """The published figures of a model; no column where the data are not those published."""
    if not data.published:
        return {}
    return {name: column.get(model.key) for name, column in columns.items()}


def published_notes(models: list[TrainedModel], data: Data, note: str) -> list[str]:
    """The notes that published figures need beside them."""
    if not data.published:
        return []
    names = dict.fromkeys(model.run.architecture for model in models)
    networks = [published.NETWORK_NOTES[n] for n in names if n in published.NETWORK_NOTES]
    return [*filter(None, [data.difference]), note, *networks]


def table_of(
    name: str, title: str, rows: Iterable[dict], formats: dict[str, str], notes: list[str]
) -> Table:
    """A table without the columns of what is missing and of balanced accuracy if they are empty."""
    frame = drop_empty(pd.DataFrame(rows), TO_GET_IT, BALANCED)
    return Table(name, title, frame, formats, notes)
