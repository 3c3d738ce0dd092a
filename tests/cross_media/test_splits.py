"""Splits: what belongs together stays together, and shares are kept as far as that allows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.cross_media import splits

PERCENTS = (80.0, 10.0, 10.0)


def test_what_is_joined_by_several_things_is_one_group() -> None:
    posts = np.array([1, 1, 2, 3, 4, 5], np.uint64)
    authors = np.array([0, 0, 9, 8, 9, 0], np.uint64)
    texts = np.array([5, 6, 7, 7, 1, 2], np.uint64)
    groups = splits.together(6, [posts, authors, texts])
    assert [np.flatnonzero(groups == number).tolist() for number in np.unique(groups)] == [
        [0, 1], [2, 3, 4], [5]
    ]  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), min_size=1), st.integers(0, 99))
def test_groups_are_whole_and_the_same_seed_gives_the_same(
    photos: list[tuple[int, int]], seed: int
) -> None:
    labels, groups = np.array(photos).T
    groups = np.unique(groups, return_inverse=True)[1]
    parts = splits.split(labels, groups, PERCENTS, seed)
    for group in np.unique(groups):
        assert len(set(parts[groups == group])) == 1
    assert (parts == splits.split(labels, groups, PERCENTS, seed)).all()


def test_shares_are_kept_to_the_photo_where_groups_are_small() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 3, 5000)
    groups = np.where(random.random(5000) < 0.5, np.arange(5000), random.integers(0, 800, 5000))
    groups = np.unique(groups, return_inverse=True)[1]
    parts = splits.split(labels, groups, PERCENTS, 1)
    for label in range(3):
        counts = np.bincount(parts[labels == label], minlength=3)
        assert np.abs(counts - counts.sum() * np.array(PERCENTS) / 100).max() <= 2
    assert (parts != splits.split(labels, groups, PERCENTS, 2)).any()


def test_a_group_larger_than_the_small_splits_is_trained_on() -> None:
    labels, groups = np.zeros(100, int), np.r_[np.zeros(60, int), 1:41]
    parts = splits.split(labels, groups, PERCENTS, 1)
    assert set(parts[:60]) == {0}
    assert np.bincount(parts).tolist() == [80, 10, 10]
