"""Splits in which everything that belongs together stands on one side."""

from collections.abc import Iterable

import numpy as np


def together(count: int, keys: Iterable[np.ndarray]) -> np.ndarray:
    """Number the groups of n photos that belong together, directly or by others.

    Args:
        count: n.
        keys: arrays of shape (n,), such as the numbers of authors: photos with an equal key
            belong together; 0 is none.

    Returns:
        Number of each photo's group, from 0, int64, shape (n,).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes, rows, columns = count, [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for of_photos in keys:
        known = np.flatnonzero(of_photos)
        values = np.unique(of_photos[known], return_inverse=True)[1]
        rows.append(known)
        columns.append(nodes + values)
        nodes += values.max(initial=-1) + 1
    edges = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(edges[0]), bool), edges), shape=(nodes, nodes))
    return connected_components(graph, directed=False)[1][:count].astype(np.int64)


def split(
    labels: np.ndarray, groups: np.ndarray, percents: tuple[float, ...], seed: int
) -> np.ndarray:
    """Split photos at random into parts of the given percents of each class.

    Groups of several photos are dealt first, the largest first: each goes where it brings the
    counts of photos by part and class nearest to those wanted, in least squares. Single photos
    fill up what is left.

    Args:
        labels: class of each photo, int64, shape (n,).
        groups: number of each photo's group, from 0, int64, (n,); a group goes into one part.
        percents: percents of the parts, which sum to 100.
        seed: seed of the draw.

    Returns:
        Number of each photo's part, int64, (n,).
    """
    random = np.random.default_rng(seed)
    classes, label = np.unique(labels, return_inverse=True)
    sizes = np.bincount(groups)
    wanted = np.outer(percents, np.bincount(label)) / 100  # what each part still wants
    counts = np.zeros((len(sizes), len(classes)), np.int64)
    np.add.at(counts, (groups, label), 1)
    part_of = np.zeros(len(sizes), np.int64)
    several = random.permutation(np.flatnonzero(sizes > 1))
    for group in several[np.argsort(-sizes[several], kind="stable")]:
        part = int((wanted @ counts[group]).argmax())
        part_of[group] = part
        wanted[part] -= counts[group]
    single = sizes[groups] == 1
    for number in range(len(classes)):
        rows = random.permutation(np.flatnonzero(single & (label == number)))
        part_of[groups[rows]] = _filled(wanted[:, number], len(rows))
    return part_of[groups]


def _filled(wanted: np.ndarray, count: int) -> np.ndarray:
    """Parts of `count` single photos, in order, as near as can be to what each part wants."""
    room = wanted.clip(min=0)
    room *= count / room.sum() if room.sum() else 0
    cuts = np.round(np.cumsum(room)[:-1]).astype(int)
    return np.searchsorted(cuts, np.arange(count), side="right")
