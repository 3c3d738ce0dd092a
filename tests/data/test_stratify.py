"""Random parts of a labelled list: each class keeps its share, and a seed gives the same rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.data import stratify
from sentiment.data.arrays import CHUNK

MIXED = np.random.default_rng(0).integers(3, size=10_000)


labels = st.lists(st.integers(0, 4), min_size=1, max_size=300).map(np.array)


seeds = st.integers(0, 2**32)


@given(labels, st.floats(0.01, 100), seeds)
def test_a_subset_keeps_the_share_of_every_class_and_at_least_one_image(labels, percent, seed):
    rows = stratify.subset(labels, percent, seed)
    assert (np.diff(rows) > 0).all()
    for label in np.unique(labels):
        wanted = (labels == label).sum() * percent / 100
        taken = (labels[rows] == label).sum()
        assert abs(taken - max(1, wanted)) <= 0.5
    assert rows.tolist() == stratify.subset(labels, percent, seed).tolist()


def test_another_seed_takes_another_subset():
    assert (stratify.subset(MIXED, 10, 1) != stratify.subset(MIXED, 10, 2)).any()


@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_of_the_images_lies_in_few_chunks(seed):
    chunks = np.unique(stratify.subset(MIXED, 10, seed) // CHUNK)
    assert len(chunks) < 0.2 * len(MIXED) / CHUNK


@given(labels, st.sampled_from([(50, 50), (80, 10, 10), (100,)]), seeds)
def test_a_split_puts_every_row_into_one_part_by_the_classes_shares(labels, percents, seed):
    parts = stratify.split(labels, percents, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    for part, percent in zip(parts, percents, strict=True):
        for label in np.unique(labels):
            wanted = (labels == label).sum() * percent / 100
            assert abs((labels[part] == label).sum() - wanted) <= 1
    again = stratify.split(labels, percents, seed)
    assert [part.tolist() for part in parts] == [part.tolist() for part in again]
