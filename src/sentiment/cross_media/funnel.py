"""How many posts and photos each filter left out, and how many were left."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sentiment.cross_media.candidates import Candidates
from sentiment.cross_media.filters import Filter, Reason
from sentiment.cross_media.photo_filters import Items


class Step(NamedTuple):
    """A filter and what it did; the first step is the table as it was read."""

    title: str
    flag: str
    source: str
    posts_removed: int
    photos_removed: int
    posts: int
    """Posts that are left."""
    photos: int
    """Photos that are left."""


def steps(candidates: Candidates, items: Items, filters: Sequence[Filter]) -> list[Step]:
    """Follow posts and photos through the filters.

    Args:
        candidates: all posts.
        items: the photos that the texts left.
        filters: the filters that are on, in their order.
    """
    posts, photos = len(candidates.reasons), int(candidates.photo_counts.sum())
    found = [Step("posts read", "", "", 0, 0, posts, photos)]
    for entry in filters:
        if entry.reason <= Reason.EQUAL_TEXT:
            removed = candidates.reasons == entry.reason
            left = posts - int(removed.sum())
            photos_left = photos - int(candidates.photo_counts[removed].sum())
        else:
            there = (items.reasons == Reason.KEPT) | (items.reasons > entry.reason)
            left, photos_left = len(np.unique(items.posts[there])), int(there.sum())
        found.append(Step(*entry[1:], posts - left, photos - photos_left, left, photos_left))
        posts, photos = left, photos_left
    return found


def lines(found: Sequence[Step]) -> list[str]:
    """The steps as aligned lines for the screen."""
    width = max(len(step.title) for step in found)
    first, *rest = found
    said = [
        f"  {'':{width}}{'posts':>12}{'photos':>12}",
        f"  {first.title:{width}}{first.posts:>12,}{first.photos:>12,}",
    ]
    for step in rest:
        removed = f"{_removed(step.posts_removed):>12}{_removed(step.photos_removed):>12}"
        said.append(f"  {step.title:{width}}{removed}  {step.flag}".rstrip())
    last = found[-1]
    said.append(f"  {'kept':{width}}{last.posts:>12,}{last.photos:>12,}")
    return said


def _removed(count: int) -> str:
    return f"-{count:,}" if count else "0"
