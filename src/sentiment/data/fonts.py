"""Fonts that have the letters of class names, for pictures."""

import contextlib
import functools
import logging
import unicodedata
from collections.abc import Iterable, Iterator

from anyascii import anyascii
from matplotlib import font_manager, ft2font

from sentiment.base import lettering

log = logging.getLogger(__name__)

DEFAULT = "DejaVu Sans"
"""Matplotlib's own font: Latin, Greek, Cyrillic, Arabic, Hebrew and a few more."""

WITHOUT_SHAPES = ("last resort", "color", "blank")
"""In the names of fonts that have a letter's number but no shape of it that can be drawn."""

INVISIBLE = {"Cc", "Cf", "Zs"}
"""Categories of what has no shape of its own, such as the joiners of emoji."""


def families(words: Iterable[str]) -> list[str]:
    """Names of font families that together have the letters of some words, for `font.family`."""
    letters = _unknown_to_default(words)
    found = _fonts_with(letters)[0] if letters else ()
    return ["sans-serif", *found]


def say_what_lacks(names: Iterable[str]) -> None:
    """Say, in one line, which letters of the names no installed font has."""
    lacking = "".join(sorted(_lacking("".join(names))))
    if lacking:
        log.info(
            "No installed font has %s: pictures show them in Latin letters; install a font that "
            "has them, such as one of Noto Sans",
            lettering.shortened(lacking, 40),
        )


def are_drawable(text: str) -> bool:
    """Whether installed fonts have all letters of a text."""
    return not _lacking(text)


def drawable(text: str) -> str:
    """A text with Latin letters in place of those that no installed font has."""
    lacking = _lacking(text)
    return "".join(anyascii(letter) if letter in lacking else letter for letter in text)


def _lacking(text: str) -> frozenset[str]:
    letters = _unknown_to_default([text])
    return _fonts_with(letters)[1] if letters else letters


def _unknown_to_default(words: Iterable[str]) -> frozenset[str]:
    font = _opened(font_manager.findfont(DEFAULT), 0)
    assert font  # Matplotlib brings it along
    letters = {letter for word in words for letter in word}
    return frozenset(x for x in letters if _visible(x) and not font.get_char_index(ord(x)))


def _visible(letter: str) -> bool:
    selector = unicodedata.name(letter, "").startswith("VARIATION SELECTOR")
    return not selector and unicodedata.category(letter) not in INVISIBLE


@functools.cache
def _fonts_with(letters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Find installed fonts for letters.

    Returns:
        Families that together have as many of the letters as can be, and the letters left over.
    """
    found, lacking = [], set(letters)
    for entry in _installed():
        if not lacking:
            break
        font = _opened(entry.fname, entry.index)
        has = {letter for letter in lacking if font and font.get_char_index(ord(letter))}
        if has:
            found.append(entry.name)
            lacking -= has
    return tuple(found), frozenset(lacking)


def _installed() -> Iterator[font_manager.FontEntry]:
    """A font of each family: those without serifs first, else in the order of their files."""
    manager = font_manager.fontManager
    # Matplotlib keeps a list of fonts, which lacks those installed since.
    for file in sorted({*font_manager.findSystemFonts()} - {e.fname for e in manager.ttflist}):
        with contextlib.suppress(RuntimeError, OSError, NotImplementedError):
            manager.addfont(file)
    by_name = {
        entry.name: entry
        for entry in sorted(manager.ttflist, key=lambda e: (e.fname, e.index), reverse=True)
        if not any(word in entry.name.lower() for word in WITHOUT_SHAPES)
    }
    yield from sorted(
        by_name.values(), key=lambda e: ("Serif" in e.name, "Sans" not in e.name, e.fname, e.index)
    )


def _opened(file: str, index: int) -> ft2font.FT2Font | None:
    """A font's face; None if it is damaged or of pixels, which Matplotlib does not draw."""
    try:
        return ft2font.FT2Font(file, face_index=index)
    except (RuntimeError, OSError, NotImplementedError):
        return None
