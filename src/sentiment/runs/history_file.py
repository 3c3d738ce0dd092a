"""The history CSV of a run: a row an epoch, with what it reached and what it cost."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.base import files
from sentiment.base.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

REACHED = ("loss", "accuracy", "val_loss", "val_accuracy")
"""Columns with what an epoch reached."""

COLUMNS = (
    "epoch", *REACHED, "learning_rate",
    "seconds", "validation_seconds", "waiting_seconds", "images_per_second",
)  # fmt: skip
"""Epoch from 1. Losses hold the weight decay's penalty. The learning rate is that of the epoch's
last update. Seconds are those of training; waiting is the part of them in which the device had no
batch to work on."""


def write(file: Path, rows: list[dict]) -> None:
    """Write the rows of all epochs, whole or not at all."""
    with files.whole_file(file) as temporary, temporary.open("w", newline="") as lines:
        table = csv.DictWriter(lines, COLUMNS)
        table.writeheader()
        table.writerows(rows)


def rows(file: Path) -> list[dict[str, float]]:
    """Read the epochs without pandas, a row each; none if the file is not there or damaged."""
    try:
        with file.open(newline="") as lines:
            table = csv.DictReader(lines)
            return [{name: float(value) for name, value in row.items()} for row in table]
    except (OSError, ValueError, TypeError):
        return []


def epochs(file: Path) -> "pd.DataFrame":
    """Read the epochs of a run that has trained.

    Raises:
        UserError: the file is not there, holds no epoch, or is damaged.
    """
    history = read(file)
    if history is None:
        raise UserError(f"{file}: no epoch in it; train again")
    return history


def read(file: Path) -> "pd.DataFrame | None":
    """Read the epochs; None if the file is not there or holds none.

    Raises:
        UserError: the file is damaged.
    """
    from sentiment.runs import table_file  # pandas, which training does without

    return table_file.read(file, ("epoch", *REACHED))
