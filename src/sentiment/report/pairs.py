"""Comparisons of two models on the same images as a table: McNemar's test after Holm."""

import pandas as pd

from sentiment.report.table import COUNT, Table
from sentiment.runs.significance import LEVEL, Comparison

FORMATS = {
    "n": COUNT,
    "first alone right": COUNT,
    "second alone right": COUNT,
    "difference": "+.4f",
    "95 % low": "+.4f",
    "95 % high": "+.4f",
    "McNemar p": ".2g",
    "Holm p": ".2g",
}
"""Formats of a comparison's figures, by column."""


def figures(comparison: Comparison) -> dict[str, float | str]:
    """The figures of a comparison, by column."""
    low, high = comparison.interval
    return {
        "n": comparison.n,
        "first alone right": comparison.only_first,
        "second alone right": comparison.only_second,
        "difference": comparison.difference,
        "95 % low": low,
        "95 % high": high,
        "McNemar p": comparison.p,
        "Holm p": comparison.p_holm,
        "real": "yes" if comparison.real else "no",
    }


def table(name: str, title: str, comparisons: list[Comparison], caveat: str = "") -> Table:
    """A row a comparison.

    Args:
        name: name of the table's files.
        caveat: a sentence on the data, said before the other notes.
    """
    rows = [{"first": c.first, "second": c.second, **figures(c)} for c in comparisons]
    real = sum(c.real for c in comparisons)
    summary = (
        f"{real} of {len(comparisons)} differences are real: exact McNemar test on the images that "
        f"one of the two alone got right, Holm's correction for all pairs of this table, level "
        f"{LEVEL}. The intervals (Agresti and Min, 2005) are each for itself, not corrected."
    )
    notes = [caveat, summary] if caveat else [summary]
    return Table(name, title, pd.DataFrame(rows), FORMATS, notes)
