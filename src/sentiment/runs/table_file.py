"""A CSV file of numbers that a run wrote, read without trust."""

from pathlib import Path

import numpy as np
import pandas as pd

from sentiment.base.errors import UserError, first_line


def read(file: Path, columns: tuple[str, ...]) -> pd.DataFrame | None:
    """The rows that hold numbers in the columns asked for; None if there is none, or no file.

    Raises:
        UserError: the file is damaged.
    """
    if not file.exists():
        return None
    try:
        table = pd.read_csv(file)
        missing = [name for name in columns if name not in table]
        if missing:
            raise ValueError(f"no column {missing[0]}")
        table = table.apply(pd.to_numeric, errors="coerce")
        # A table without rows is one of objects.
        table = table[np.isfinite(table[list(columns)].astype(float)).all(axis=1)]
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: damaged ({first_line(error)})") from None
    return table if len(table) else None
