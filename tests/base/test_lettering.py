"""Names in any letters: how wide they are, and which way they are read."""

import pytest

from sentiment.base import lettering

NAMES = ("dog", "秋田犬", "시바견", "ชิบะ", "शिबा", "😀 joy", "Vendéen")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_filled_up_to_the_same_columns(name: str) -> None:
    for filled in (lettering.left(name, 12), lettering.right(name, 12)):
        assert lettering.width(filled) == 12
        assert filled.strip() == name


def test_wide_letters_take_two_columns() -> None:
    assert [lettering.width(name) for name in NAMES] == [3, 6, 6, 3, 2, 6, 7]


def test_a_long_name_ends_in_an_ellipsis() -> None:
    assert lettering.shortened("Nova Scotia", 11) == "Nova Scotia"
    assert lettering.shortened("Nova Scotia Duck", 6) == "Nova…"
    assert lettering.shortened("秋田犬", 6) == "秋田犬"
    assert lettering.shortened("秋田犬", 4) == "秋…"


def test_lines_are_as_long_as_asked() -> None:
    assert lettering.wrapped("said Nova Scotia Duck", 11).split("\n") == [
        "said Nova",
        "Scotia Duck",
    ]
    assert lettering.wrapped("秋田犬柴犬", 6).split("\n") == ["秋田犬", "柴犬"]


def test_only_names_read_from_right_to_left_are_isolated() -> None:
    assert lettering.isolated("秋田犬 dog") == "秋田犬 dog"
    assert lettering.isolated("غضب") == "\u2068غضب\u2069"
