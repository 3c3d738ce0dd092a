"""Random parts of a labelled list that keep the shares of its classes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def share(count: int, percent: float) -> int:
    """Number of images that are `percent` of a class's `count`: at least one, if there is one."""
    return min(count, max(1, round(count * percent / 100)))


def subset(labels: "np.ndarray", percent: float, seed: int) -> "np.ndarray":
    """Take `percent` of the rows of each class.

    Stored rows are already in random order, so the subset is taken in one sweep from a
    seeded starting row: a few percent then lie in a few percent of the chunks on the disk.

    Args:
        labels: class of each row, int, shape (n,).
        percent: 0 < percent <= 100.
        seed: seed of the starting row.

    Returns:
        Ascending row numbers, int64.
    """
    import numpy as np  # which --help and --dry-run do without

    sweep = np.roll(np.arange(len(labels)), -np.random.default_rng(seed).integers(len(labels)))
    by_class = [sweep[labels[sweep] == label] for label in np.unique(labels)]
    return np.sort(np.concatenate([rows[: share(len(rows), percent)] for rows in by_class]))


def split(
    labels: "np.ndarray",
    percents: tuple[float, ...],
    seed: int,
    groups: "np.ndarray | None" = None,
) -> "list[np.ndarray]":
    """Split rows at random into parts of the given percents of each class; the last takes the rest.

    Args:
        labels: class of each row, int, shape (n,).
        percents: percents of the parts, which sum to 100.
        seed: seed of the draw.
        groups: group of each row, int, shape (n,): a group is drawn as one row of its first row's
            class, and goes into one part. Without it each row is a group.

    Returns:
        One ascending int64 array of row numbers a part.
    """
    import numpy as np

    if groups is not None:
        _, firsts, group = np.unique(groups, return_index=True, return_inverse=True)
        order = np.argsort(firsts)  # numbers of the groups as they first come
        of_groups = split(labels[firsts[order]], percents, seed)
        return [np.flatnonzero(np.isin(group, order[part])) for part in of_groups]
    random = np.random.default_rng(seed)
    parts: list[list[np.ndarray]] = [[] for _ in percents]
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        cuts = np.round(np.cumsum(percents[:-1]) / 100 * len(rows)).astype(int)
        for part, piece in zip(parts, np.split(rows, cuts), strict=True):
            part.append(piece)
    return [np.sort(np.concatenate(part)) for part in parts]
