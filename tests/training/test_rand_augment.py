"""RandAugment: each photo changed in its own way, and the same at every call."""

import dataclasses

import numpy as np
import pytest
from helpers.small_network import ALL
from PIL import Image

from sentiment.training.rand_augment import CHANGES, change

COARSE = np.random.default_rng(2).integers(256, size=(14, 14, 3))
PHOTO = COARSE.repeat(16, axis=0).repeat(16, axis=1).astype(np.uint8)
RAND_AUGMENT = change(dataclasses.replace(ALL, augmentation=("randaugment",)))


def changed(epoch: int, row: int) -> np.ndarray:
    photo = PHOTO.copy()
    RAND_AUGMENT(photo, epoch, row)
    return photo


def test_a_photo_is_changed_in_its_own_way_in_each_epoch_and_the_same_at_every_call() -> None:
    ways = {changed(epoch, row).tobytes() for epoch in range(4) for row in range(25)}
    assert len(ways) > 70
    np.testing.assert_array_equal(changed(2, 7), changed(2, 7))
    assert change(ALL) is None


@pytest.mark.parametrize(
    ("name", "sign", "expected"),
    [
        ("identity", 1, PHOTO),
        ("posterize", 1, PHOTO & 0b11111110),
        ("solarize", 1, np.where(PHOTO < 178.5, PHOTO, 255 - PHOTO)),
        ("translate x", 1, np.pad(PHOTO[:, 30:], ((0, 0), (0, 30), (0, 0)))),
        ("translate y", -1, np.pad(PHOTO[:-30], ((30, 0), (0, 0), (0, 0)))),
    ],
)
def test_changes_are_as_strong_as_magnitude_9_of_30(
    name: str, sign: int, expected: np.ndarray
) -> None:
    seen = np.asarray(CHANGES[name](Image.fromarray(PHOTO), sign))
    np.testing.assert_array_equal(seen, expected)
