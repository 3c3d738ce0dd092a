"""The photos of the posts that are left: which are bad, tiny, placeholders or met before."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sentiment.cross_media.candidates import Candidates
from sentiment.cross_media.filters import Filters, Reason
from sentiment.data.collections.collection import ALL, Photo, Source
from sentiment.data.hamming import close_pairs
from sentiment.data.twins import Twins, find_twins

if TYPE_CHECKING:
    import pandas as pd

FLAT = (0, 1 << 63)
"""Perceptual hashes of a picture of one colour: no coefficient but the first is over the median."""


class Items(NamedTuple):
    """Photos of the posts that their texts do not leave out: m in all, each of one post."""

    posts: np.ndarray
    """Row of each photo's post, int64, shape (m,)."""
    numbers: np.ndarray
    """Place of each photo in its post, from 0, int64, (m,)."""
    reasons: np.ndarray
    """Reason why a photo is left out, uint8, (m,)."""
    groups: np.ndarray
    """Number of a photo's group of near copies, int64, (m,); they and copies of copies share it."""


def read(candidates: Candidates, root: Path, table: Path, filters: Filters) -> Items:
    """Read every photo that is left, each once, and filter them.

    Args:
        candidates: the posts.
        root: folder that the photos' paths are relative to.
        table: the table of photos that is written, and read again after a stop.
        filters: which are left out.

    Raises:
        UserError: the table is damaged.
        OSError: the disk cannot be read or written.
    """
    from sentiment.data import photo_table  # pandas, which --help does without

    rows = np.flatnonzero(candidates.reasons == Reason.KEPT)
    counts = candidates.photo_counts[rows]
    posts = np.repeat(rows, counts)
    numbers = np.arange(len(posts)) - np.repeat(np.cumsum(counts) - counts, counts)
    listed: dict[str, int] = {}
    of_photo = np.array(
        [listed.setdefault(path, len(listed)) for row in rows for path in candidates.photos[row]],
        np.int64,
    )
    if not len(posts):
        return Items(posts, numbers, np.zeros(0, np.uint8), np.zeros(0, np.int64))
    source = Source(root, ("photo",), {ALL: [Photo(path, 0) for path in listed]}, "")
    del listed
    photos = photo_table.complete(source, table)
    return _filtered(posts, numbers, photos, of_photo, filters)


def _filtered(
    posts: np.ndarray,
    numbers: np.ndarray,
    photos: "pd.DataFrame",
    of_photo: np.ndarray,
    filters: Filters,
) -> Items:
    """Filter photos that have been read; `of_photo` is the row of each in the table `photos`."""
    bad = photos["problem"].notna().to_numpy()
    sides = photos[["width", "height"]].min(axis=1).fillna(0).to_numpy(np.int64)
    hashes = np.array([int(text, 16) for text in photos["phash"].fillna("0")], np.uint64)
    bad, sides, hashes = bad[of_photo], sides[of_photo], hashes[of_photo]
    reasons = np.zeros(len(posts), np.uint8)
    reasons[sides < filters.min_side] = Reason.TINY
    reasons[bad] = Reason.BAD
    kept = np.flatnonzero(reasons == Reason.KEPT)
    copies = _copies(hashes[kept], filters.max_distance)
    too_many = copies.counts[:, 0] >= (filters.max_copies or len(posts))
    reasons[kept[np.isin(hashes[kept], FLAT) | too_many]] = Reason.PLACEHOLDER
    groups = np.arange(len(posts)) + len(posts)  # a photo that is not compared is a group
    groups[kept] = copies.group
    if not filters.keep_near_photos:
        kept = np.flatnonzero(reasons == Reason.KEPT)
        first = np.unique(groups[kept], return_index=True)[1]
        reasons[np.delete(kept, first)] = Reason.NEAR
    return Items(posts, numbers, reasons, groups)


def _copies(hashes: np.ndarray, distance: int) -> Twins:
    """Near copies of each of n photos by their hashes, uint64, shape (n,)."""
    hashes, values = np.unique(hashes, return_inverse=True)
    same = np.zeros(len(values), np.int64)
    return find_twins(values, same, same, 1, close_pairs(hashes, distance))
