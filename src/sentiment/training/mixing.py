"""MixUp and CutMix: photos of a batch mixed with one another, and with them what they are to be.

Each photo's partner is the one in its place in the batch reversed. What is drawn for a batch is an
input of the learner, so a training that goes on draws the same, and so does every backend.

Keras' own layers (3.15) are given no weights of images; its CutMix draws Beta's parameter too, and
its labels are not the shares of the pixels that it pastes.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from sentiment.model.recipe import MIXING, Recipe

ALPHA = {"mixup": 0.2, "cutmix": 1.0}
"""Both parameters of Beta, of which the share of a photo's own pixels is drawn once a batch: as on
ImageNet in Zhang et al. (2018), section 3.1, and Yun et al. (2019), section 3.1."""

DRAWN = 6
"""Numbers drawn for a batch: what stays of a photo outside the box; the box's top, bottom, left and
right (all of the partner's), in pixels; the photo's own share of the whole."""


def mixes(recipe: Recipe) -> bool:
    """Whether photos are mixed."""
    return bool(_kinds(recipe))


def draws(recipe: Recipe, side: int) -> Callable[[int, int], np.ndarray] | None:
    """What is drawn for each batch: from epoch and batch, from 0, to float32 (DRAWN,).

    Args:
        side: the photos' width and height.

    Returns:
        None if nothing is mixed.
    """
    kinds = _kinds(recipe)
    if not kinds:
        return None

    def drawn(epoch: int, batch: int) -> np.ndarray:
        random = np.random.default_rng([recipe.seed, epoch, batch, 1])
        kind = kinds[random.integers(len(kinds))]  # one of both, as timm does
        share = random.beta(ALPHA[kind], ALPHA[kind])
        if kind == "mixup":
            return np.array([share, 0, 0, 0, 0, share], np.float32)
        return _box(share, side, random)

    return drawn


def _kinds(recipe: Recipe) -> list[str]:
    return [kind for kind in recipe.augmentation if kind in MIXING]


def _box(share: float, side: int, random: np.random.Generator) -> np.ndarray:
    """CutMix's box as its authors' code draws it; of what the edges cut off the rest counts."""
    half = int(side * np.sqrt(1 - share)) // 2
    middle = random.integers(side, size=2)
    (top, left), (bottom, right) = np.clip([middle - half, middle + half], 0, side)
    pasted = (bottom - top) * (right - left) / side**2
    return np.array([1, top, bottom, left, right, 1 - pasted], np.float32)


class Mix(keras.layers.Layer):
    """Mixes photos in training as was drawn, and leaves them as they are outside it."""

    def call(
        self, images: keras.KerasTensor, drawn: keras.KerasTensor, training: bool | None = None
    ) -> keras.KerasTensor:
        """Mix.

        Args:
            images: (b, side, side, 3).
            drawn: what `draws` gave, for each image, (b, DRAWN).

        Returns:
            float32 (b, side, side, 3).
        """
        images = ops.cast(images, "float32")
        if not training:
            return images
        outside, top, bottom, left, right, _ = (
            drawn[:, i, None, None] for i in range(DRAWN)
        )  # fmt: skip
        row = ops.arange(images.shape[1], dtype="float32")[:, None]
        column = ops.arange(images.shape[2], dtype="float32")
        in_rows = ops.logical_and(top <= row, row < bottom)
        in_columns = ops.logical_and(left <= column, column < right)
        own = ops.where(ops.logical_and(in_rows, in_columns), 0.0, outside)
        return _mixed(images, own[..., None])


class MixingModel(keras.Model):
    """A model that learns mixed targets, with mixed weights, of the photos that `Mix` mixes.

    Its inputs are images and what was drawn. A mixed photo's target and its weight in the loss are
    those of the two photos, in the photos' shares.
    """

    def train_step(self, *args: object) -> object:
        """Do Keras' step, which JAX gives a state before the data."""
        *state, data = args
        inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
        share = inputs[1][:, DRAWN - 1 :]
        if weights is not None:
            weights = _mixed(weights, share[:, 0])
        mixed = keras.utils.pack_x_y_sample_weight(inputs, _mixed(targets, share), weights)
        return super().train_step(*state, mixed)


def _mixed(values: keras.KerasTensor, own: keras.KerasTensor) -> keras.KerasTensor:
    return own * values + (1 - own) * ops.flip(values, axis=0)
