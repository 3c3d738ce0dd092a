"""The names that people give to splits."""

NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
"""Names of each split's folders, files and rows, in lower case."""


def split_of(name: str) -> str | None:
    """The split of this name, in any case; None if it names none."""
    return next((split for split, names in NAMES.items() if name.lower() in names), None)
