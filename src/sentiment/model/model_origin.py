"""Where a model comes from, as its card says: trained here, or made by others and imported.

Every question that has another answer for an imported model is answered here.
"""

from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.data.dataset import B_T4SA, Dataset

IMPORTED = "imported"
"""The card's entry of an imported model: the file it was made from, its SHA-256 and who published
it. Such a card has no recipe, no percent and no fingerprint of data, for nothing was trained."""


def is_imported(card: dict) -> bool:
    """Whether others have trained the model."""
    return IMPORTED in card


def in_words(card: dict) -> str:
    """Such as `trained on 10 % of t4sa`, or `imported from vgg19_finetuned_all.pth, ...`."""
    if is_imported(card):
        return f"imported from {card[IMPORTED]['file']}, trained by others"
    return f"trained on {card['percent']:g} % of {card['dataset']}"


def tested_on(card: dict) -> str:
    """The data whose test split a model is for: those that it was trained on, or else B-T4SA."""
    return B_T4SA if is_imported(card) else card["dataset"]


def check_percent(path: Path, card: dict, percent: float, remedy: str) -> None:
    """Check that a model was trained on the percent asked for; an imported one counts as whole.

    Args:
        remedy: how to make the one asked for.

    Raises:
        UserError: it was trained on another.
    """
    if not is_imported(card) and card["percent"] != percent:
        raise UserError(
            f"{path}: trained on {card['percent']:g} %, not {percent:g} %; "
            f"predict with --percent {card['percent']:g}, or {remedy}"
        )


def prepared_anew(card: dict, data: Dataset) -> bool:
    """Whether data have the name of those that a model was trained on, and are others: their test
    split may hold photos that it was trained on."""
    same_name = not is_imported(card) and data.name == card["dataset"]
    return same_name and data.fingerprint != card["data_fingerprint"]
