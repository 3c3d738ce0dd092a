"""A machine that has Matplotlib's own font, and one that has a font of the letter 犬 as well."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def only_default_font(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No font but DejaVu Sans is installed, whatever this machine has."""
    from matplotlib import font_manager  # here, for only a few tests need it

    from sentiment.data import fonts

    manager = font_manager.fontManager
    default = [entry for entry in manager.ttflist if entry.name == fonts.DEFAULT]
    monkeypatch.setattr(manager, "ttflist", default)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    fonts._fonts_with.cache_clear()
    yield
    fonts._fonts_with.cache_clear()


@pytest.fixture
def install_dog(
    only_default_font: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], str]:
    """Install a font that has 犬, as a square; what is called returns the name of its family."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from matplotlib import font_manager

    from sentiment.data import fonts

    def install() -> str:
        pen = TTGlyphPen(None)
        pen.moveTo((50, 0))
        for corner in ((50, 700), (950, 700), (950, 0)):
            pen.lineTo(corner)
        pen.closePath()
        builder = FontBuilder(1000, isTTF=True)
        builder.setupGlyphOrder([".notdef", "dog"])
        builder.setupCharacterMap({ord("犬"): "dog"})
        builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "dog": pen.glyph()})
        builder.setupHorizontalMetrics({".notdef": (1000, 0), "dog": (1000, 50)})
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": "Dog Sans", "styleName": "Regular"})
        builder.setupOS2()
        builder.setupPost()
        builder.save(tmp_path / "dog.ttf")
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(tmp_path / "dog.ttf")])
        fonts._fonts_with.cache_clear()
        return "Dog Sans"

    return install
