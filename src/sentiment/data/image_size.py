"""The size of stored images, which are square, and so of what a network takes."""

SIDE = 224
"""Width and height of an image, in pixels, where no other is asked for."""

SIDES = range(96, 513)
"""Widths and heights that prepared data may have."""

KEY = "image_size"
"""Name of the size in a model's card, which lacks it where it is SIDE."""


def entry(side: int) -> dict[str, int]:
    """The size as a card has it."""
    return {KEY: side} if side != SIDE else {}


def of_card(card: dict) -> int:
    """Width and height of the images that a model takes, by its card."""
    return card.get(KEY, SIDE)
