"""Names in any letters as they stand in columns, in pictures and within a sentence."""

import unicodedata

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

RIGHT_TO_LEFT = {"R", "AL"}
"""Bidirectional classes of letters that are read from right to left (Unicode, annex 9)."""

FIRST_STRONG_ISOLATE, POP_DIRECTIONAL_ISOLATE = "\u2068", "\u2069"


def width(text: str) -> int:
    """Columns that a text takes on a screen: two for a letter of East Asia and an emoji."""
    return cell_len(text)


def left(text: str, columns: int) -> str:
    """A text filled up with blanks, as `str.ljust` does it with letters as wide as each other."""
    return text + " " * (columns - width(text))


def right(text: str, columns: int) -> str:
    """A text behind blanks, as `str.rjust` does it with letters as wide as each other."""
    return " " * (columns - width(text)) + text


def shortened(text: str, columns: int) -> str:
    """A text that takes at most so many columns: a longer one ends in an ellipsis."""
    if width(text) <= columns:
        return text
    return set_cell_size(text, columns - 1).rstrip() + "…"


def wrapped(text: str, columns: int) -> str:
    """A text in lines of at most so many columns, broken at blanks where there are any."""
    lines = Text(text).wrap(Console(width=columns), columns)
    return "\n".join(line.plain.rstrip() for line in lines)


def isolated(name: str) -> str:
    """A name to stand in a sentence: one read from right to left keeps to itself.

    Otherwise figures behind it, such as `: 0.66`, would be read as part of it and stand before it.
    """
    if RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, name)):
        return name
    return f"{FIRST_STRONG_ISOLATE}{name}{POP_DIRECTIONAL_ISOLATE}"
