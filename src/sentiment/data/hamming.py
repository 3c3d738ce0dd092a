"""Pairs of 64-bit hashes that differ in few bits, found without comparing all with all."""

import itertools
from collections.abc import Iterator

import numpy as np

BITS = 64

KEY_BANDS = 3
"""Bands that make a sorting key: with fewer, photos that are alike in coarse features pile up."""

BLOCK = 1 << 20
"""About how many pairs are collected before they are yielded."""


def close_pairs(hashes: np.ndarray, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Find every pair of hashes at a Hamming distance of at most `most`, each pair once.

    The bits are cut into `most` + 3 bands. As `most` bits spoil that many bands at most, close
    hashes have three bands in common (Manku et al., Detecting Near-Duplicates for Web Crawling,
    2007): for each choice of three they are sorted, and only those with equal bands compared.
    Memory grows with the number of hashes, not with that of pairs.

    Args:
        hashes: uint64, shape (n,).
        most: 0 or more, at most 61.

    Yields:
        Row numbers of m pairs' first and second hashes, int64, shape (m,) each.
    """
    edges = np.linspace(0, BITS, most + KEY_BANDS + 1).astype(int)
    bands = [
        np.uint64((1 << high) - (1 << low)) for low, high in itertools.pairwise(edges.tolist())
    ]
    for chosen in itertools.combinations(range(len(bands)), KEY_BANDS):
        keys = hashes & np.bitwise_or.reduce([bands[number] for number in chosen])
        order = np.argsort(keys)
        keys = keys[order]
        passed_over = [bands[n] for n in range(chosen[-1]) if n not in chosen]
        pairs: list[tuple[np.ndarray, np.ndarray]] = []
        count = 0
        starts = np.arange(len(hashes))
        for step in range(1, len(hashes)):
            starts = starts[: np.searchsorted(starts, len(hashes) - step)]
            starts = starts[keys[starts] == keys[starts + step]]
            if not len(starts):
                break
            first, second = order[starts], order[starts + step]
            differing = hashes[first] ^ hashes[second]
            close = np.bitwise_count(differing) <= most
            for band in passed_over:  # equal there too: an earlier choice has found the pair
                close &= differing & band != 0
            pairs.append((first[close], second[close]))
            count += int(close.sum())
            if count > BLOCK:
                yield _joined(pairs)
                pairs, count = [], 0
        if count:
            yield _joined(pairs)


def _joined(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    first, second = zip(*pairs, strict=True)
    return np.concatenate(first), np.concatenate(second)
