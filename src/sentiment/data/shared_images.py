"""Images that stand in two splits: what is tested on them is no result."""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sentiment.data.split import Split

SHOWN = 5
"""Images in two splits that are named, for each two splits."""


def in_words(splits: "dict[str, Split]") -> Iterator[str]:
    """Say in lines which images stand in two splits."""
    for (name, split), (other_name, other) in itertools.combinations(splits.items(), 2):
        shared, rows, other_rows = np.intersect1d(
            split.checksums, other.checksums, return_indices=True
        )
        if len(shared):
            yield f"  {len(shared):,} images stand in {name} and in {other_name}, pixel for pixel:"
        for row, other_row in list(zip(rows, other_rows, strict=True))[:SHOWN]:
            yield f"    {name} {split.paths[row]} = {other_name} {other.paths[other_row]}"
        if len(shared) > SHOWN:
            yield f"    ... and {len(shared) - SHOWN:,} more"
