"""Figures of a table of photos: counts, sizes, formats and duplicates."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from sentiment.data.hamming import close_pairs
from sentiment.data.twins import Twins, find_twins

if TYPE_CHECKING:
    import pandas as pd

KB = 1024
"""Bytes of a kilobyte."""

SMALL_KB, LARGE_KB = 1, 1024
"""Sizes below and above which photos are counted."""

PLACEHOLDER_FILES = 5
"""Files of the same bytes from which on they are taken for the placeholder of a photo site, such as
"photo unavailable". Of 1,140 photos in three collections none is there more than twice."""

PLACEHOLDERS_NAMED = 10
"""Placeholders that the summary names, at most."""

TITLES = {"width": "width, px", "height": "height, px", "kilobytes": "file, KB"}
"""Measures of a photo, its sides as stored and the size of its file, with their titles."""


class Summary(NamedTuple):
    """Figures as they go into `summary.json`, and the tables that are too long for it."""

    figures: dict
    counts: "pd.DataFrame"
    """Photos of each split and class: columns split, class, photos, bad."""
    duplicates: "pd.DataFrame"
    """Photos that have a twin, group by group, columns as `_listed` makes them."""
    bad: "pd.DataFrame"
    """Photos that cannot be decoded."""


def measures(photos: "pd.DataFrame") -> dict[str, np.ndarray]:
    """Values of each measure, float64, shape (n,): sides of decoded photos, sizes of all files."""
    sizes = {side: photos[side].dropna().to_numpy(float) for side in ("width", "height")}
    return sizes | {"kilobytes": photos["bytes"].dropna().to_numpy(float) / KB}


def summarise(photos: "pd.DataFrame", max_distance: int) -> Summary:
    """Compute the figures of a table that `photo_table` has read.

    Twins are photos with the same bytes (exact), or whose perceptual hashes differ in at most
    `max_distance` bits (near; exact ones are among them). Only decoded photos are compared.
    """
    is_bad = photos["problem"].notna()
    good, bad = photos[~is_bad], photos[is_bad]
    counts = photos.assign(bad=is_bad).groupby(["split", "class"], observed=False)["bad"]
    counts = counts.agg(photos="size", bad="sum").reset_index()

    exact, near = _twins(good, max_distance)
    splits, names = good["split"].cat.codes.to_numpy(), list(photos["split"].cat.categories)
    grey_modes = [mode for mode in good["mode"].cat.categories if Image.getmodebase(mode) == "L"]
    in_grey = good["mode"].isin(grey_modes)
    kilobytes = photos["bytes"] / KB
    figures = {
        "photos": len(photos),
        "bad": len(bad),
        "counts": {
            split: dict(zip(rows["class"], rows["photos"].tolist(), strict=True))
            for split, rows in counts.groupby("split", observed=True)
        },
        **{name: _moments(values) for name, values in measures(photos).items()},
        "under_1_kb": int((kilobytes < SMALL_KB).sum()),
        "over_1024_kb": int((kilobytes > LARGE_KB).sum()),
        "formats": _tally(good["format"]),
        "modes": _tally(good["mode"]),
        "greyscale_by_mode": int(in_grey.sum()),
        "colour_mode_but_equal_channels": int((good["grey"] & ~in_grey).sum()),
        "exact_duplicates": _twin_counts(exact, splits, names),
        "near_duplicates": {"max_distance": max_distance} | _twin_counts(near, splits, names),
        "placeholders": _placeholders(good),
    }
    bad = bad[["split", "path", "class", "bytes", "problem"]]
    return Summary(figures, counts, _listed(good, exact, near, names), bad)


def _twins(good: "pd.DataFrame", max_distance: int) -> tuple[Twins, Twins]:
    """Exact and near twins of the photos that could be decoded."""
    splits, labels = good["split"].cat.codes.to_numpy(), good["class"].cat.codes.to_numpy()
    split_count = len(good["split"].cat.categories)
    same_file = good.groupby("sha256", sort=False).ngroup().to_numpy()
    exact = find_twins(same_file, splits, labels, split_count)
    hashes = np.array([int(text, 16) for text in good["phash"]], np.uint64)
    hashes, values = np.unique(hashes, return_inverse=True)
    near = find_twins(values, splits, labels, split_count, close_pairs(hashes, max_distance))
    return exact, near


def _placeholders(good: "pd.DataFrame") -> dict:
    """Pictures that are there as PLACEHOLDER_FILES files or more of the same bytes."""
    pictures = (
        good.drop_duplicates("path")
        .groupby("sha256", sort=False)
        .agg(files=("path", "size"), classes=("class", "nunique"), first=("path", "first"))
    )
    pictures = pictures[pictures["files"] >= PLACEHOLDER_FILES]
    pictures = pictures.sort_values("files", ascending=False, kind="stable")
    return {
        "least_files": PLACEHOLDER_FILES,
        "pictures": len(pictures),
        "files": int(pictures["files"].sum()),
        "most_frequent": pictures[:PLACEHOLDERS_NAMED].reset_index().to_dict("records"),
    }


def _moments(values: np.ndarray) -> dict[str, float]:
    """Moments and quantiles of values of shape (n,); `sd` is the population's."""
    if not len(values):
        return {"n": 0}
    mean, sd = values.mean(), values.std()
    return {
        "n": len(values),
        "mean": float(mean),
        "sd": float(sd),
        "min": float(values.min()),
        "median": float(np.median(values)),
        "max": float(values.max()),
        "skewness": float(((values - mean) ** 3).mean() / sd**3) if sd else 0.0,
    }


def _tally(column: "pd.Series") -> dict[str, int]:
    """How often each value occurs, the most frequent first."""
    counts = column.value_counts()
    return {str(name): int(count) for name, count in counts[counts > 0].items()}


def _twin_counts(twins: Twins, splits: np.ndarray, names: list[str]) -> dict:
    """Numbers of photos with twins, and of pairs of twins, by their splits.

    Args:
        twins: the twins of n photos.
        splits: index of each photo's split, (n,).
        names: the splits' names.
    """
    by_split = {
        split: {twin_split: twins.counts[splits == i, j] for j, twin_split in enumerate(names)}
        for i, split in enumerate(names)
    }
    return {
        "photos": int(twins.any.sum()),
        "groups": len(np.unique(twins.group[twins.any])),
        "contradicted": int(twins.contradicted.sum()),
        "photos_with_twin_in": {
            split: {twin_split: int((counts > 0).sum()) for twin_split, counts in by_twin.items()}
            for split, by_twin in by_split.items()
        },
        # Within a split each pair is counted from both its photos.
        "pairs": {
            f"{first}, {second}": int(by_split[first][second].sum()) // (1 + (first == second))
            for i, first in enumerate(names)
            for second in names[i:]
        },
    }


def _listed(good: "pd.DataFrame", exact: Twins, near: Twins, names: list[str]) -> "pd.DataFrame":
    """Table of the photos that have a twin: a group stands together, groups count from 1."""
    rows = np.flatnonzero(near.any)
    listed = good.iloc[rows][["split", "path", "class", "phash", "sha256"]].copy()
    listed.insert(0, "group", near.group[rows])
    listed["exact_twins"] = exact.counts[rows].sum(axis=1)
    listed["near_twins"] = near.counts[rows].sum(axis=1)
    for column, name in enumerate(names):
        listed[f"twins_in_{name}"] = near.counts[rows, column]
    listed["contradicted"] = near.contradicted[rows]
    first = listed.groupby("group", sort=False).ngroup() + 1
    return listed.assign(group=first).sort_values("group", kind="stable")
