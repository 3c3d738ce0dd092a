"""Fonts for class names: those installed, and Latin letters where there is none."""

import logging
from collections.abc import Callable

import pytest

from sentiment.data import fonts


def test_an_installed_font_is_taken_for_its_letters(install_dog: Callable[[], str]) -> None:
    """Also one that was installed after Matplotlib made its list of fonts."""
    names = ["dog", "犬", "غضب", "Ärger"]
    assert fonts.families(names) == ["sans-serif"]
    assert fonts.drawable("犬 7") == "Quan 7"
    family = install_dog()
    assert fonts.families(names) == ["sans-serif", family]
    assert fonts.families(["dog", "Ärger"]) == ["sans-serif"]
    assert fonts.drawable("犬 7, 猫") == "犬 7, Mao"


@pytest.mark.usefixtures("only_default_font")
def test_letters_that_no_font_has_are_said_in_a_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    fonts.say_what_lacks(["dog", "غضب", "😀\ufe0f"])
    assert not caplog.messages
    fonts.say_what_lacks(["柴犬", "秋田犬"])
    (line,) = caplog.messages
    assert line.startswith("No installed font has 柴犬田秋: ")
