"""Grad-CAM: which regions of a photo drove a model's decision (Selvaraju et al., 2017)."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import keras
import matplotlib
import numpy as np
from PIL import Image

from sentiment.base.errors import UserError
from sentiment.model import model_file


def heat(path: Path, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How much each place of the photos spoke for a class, by the last features that have a place.

    The map is the mean of each feature's gradient times the feature, summed over the features,
    negative values left out (Selvaraju et al., 2017, equations 1 and 2). The features are the last
    convolutional ones or, where there are none, the patches' tokens that the last attention takes
    (as github.com/jacobgil/pytorch-grad-cam has it for Vision Transformers).

    Args:
        path: a model that a training script saved.
        images: uint8 (n, side, side, 3).
        classes: column of the class to explain for each photo, int (n,).

    Returns:
        float32 (n, side, side), from 0 to 1, the most in each photo; 0 where nothing did.

    Raises:
        UserError: the file is damaged or has no features with a place.
    """
    model = model_file.load(path)
    backbone, head = model.get_layer("backbone"), model.get_layer("head")
    head.layers[-1].activation = keras.activations.linear  # the score before the softmax
    placed = _placed(backbone)
    if not placed:
        raise UserError(f"{path}: its backbone has no features with a place to explain")
    pixels = _preprocessed(model, images)
    computed = keras.Model(backbone.input, placed)(pixels, training=False)
    features, *beside = keras.tree.flatten(computed)
    pooling = placed[0] is not backbone.output
    rest = keras.Model(placed, backbone.output) if pooling else None

    def score(features: keras.KerasTensor) -> keras.KerasTensor:
        pooled = rest([features, *beside], training=False) if rest else features
        scores = head(pooled, training=False)
        return keras.ops.sum(scores * keras.ops.one_hot(classes, scores.shape[-1]))

    gradient = keras.ops.convert_to_numpy(_gradient(score, features))
    gradient, values = (_in_grid(x) for x in (gradient, keras.ops.convert_to_numpy(features)))
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    maps = np.maximum((weights * values).sum(axis=-1), 0)
    return np.stack([_stretched(heat, images.shape[1]) for heat in maps])


def _placed(backbone: keras.Model) -> list[keras.KerasTensor]:
    """The last features that have a place, and what else the rest of the backbone is computed from;
    empty if there are none."""
    operations = keras.Model(backbone.inputs, backbone.outputs).operations  # the input comes first
    for before, operation in reversed([*itertools.pairwise(operations)]):
        if len(operation.output.shape) == 4:
            return [operation.output]
        if isinstance(operation, keras.layers.MultiHeadAttention):
            return [before.output, before.input]  # the tokens, and what its output is added to
    return []


def _in_grid(features: np.ndarray) -> np.ndarray:
    """Features by row and column: as they are, or those of patches without the class token."""
    if features.ndim == 4:
        return features
    n, tokens, width = features.shape
    side = math.isqrt(tokens - 1)
    return features[:, 1:].reshape(n, side, side, width)


def _preprocessed(model: keras.Model, images: np.ndarray) -> keras.KerasTensor:
    """The photos as the model's backbone takes them, float32 (n, side, side, 3)."""
    pixels = images
    for operation in model.operations[1:]:  # the first is the input
        if operation.name == "backbone":
            break
        pixels = operation(pixels)
    return pixels


def overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A photo under its heat: grey where nothing spoke for the class, coloured where much did.

    Args:
        image: uint8 (side, side, 3).
        heat: float32 (side, side), from 0 to 1.

    Returns:
        uint8 (side, side, 3).
    """
    grey = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1)
    colours = 255 * matplotlib.colormaps["inferno"](heat)[..., :3]
    weight = 0.65 * heat[..., None]
    return ((1 - weight) * (0.5 * grey + 0.5 * image) + weight * colours).astype(np.uint8)


def _stretched(heat: np.ndarray, side: int) -> np.ndarray:
    """Enlarge a map from the features' size to the photo's, and scale it so that the most is 1."""
    image = Image.fromarray(heat.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    stretched = np.maximum(np.asarray(image), 0)
    return stretched / stretched.max() if stretched.max() > 0 else stretched


def _gradient(
    score: Callable[[keras.KerasTensor], keras.KerasTensor], features: keras.KerasTensor
) -> keras.KerasTensor:
    """The gradient of `score` at the features, by the backend that Keras runs on."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(features)
            value = score(features)
        return tape.gradient(value, features)
    if backend == "jax":
        import jax

        return jax.grad(score)(features)
    if backend == "torch":
        leaf = features.detach().requires_grad_()
        score(leaf).backward()
        return leaf.grad
    raise UserError(f"Grad-CAM: no gradients on the backend {backend}; use tensorflow")
