"""Grad-CAM: which regions of a photo drove a model's decision (Selvaraju et al., 2017)."""

from collections.abc import Callable
from pathlib import Path

import keras
import matplotlib
import numpy as np
from PIL import Image

from sentiment.base.errors import UserError
from sentiment.model import model_file


def heat(path: Path, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How much each place of the photos spoke for a class, by the last convolutional features.

    The map is the mean of each feature's gradient times the feature, summed over the features,
    negative values left out (Selvaraju et al., 2017, equations 1 and 2).

    Args:
        path: a model that a training script saved.
        images: uint8 (n, side, side, 3).
        classes: column of the class to explain for each photo, int (n,).

    Returns:
        float32 (n, side, side), from 0 to 1, the most in each photo; 0 where nothing did.

    Raises:
        UserError: the file is damaged or has no convolutional features.
    """
    model = model_file.load(path)
    backbone, head = model.get_layer("backbone"), model.get_layer("head")
    head.layers[-1].activation = keras.activations.linear  # the score before the softmax
    last = next((x for x in reversed(backbone.layers) if len(x.output.shape) == 4), None)
    if last is None:
        raise UserError(f"{path}: its backbone has no convolutional features to explain")
    pixels = _preprocessed(model, images)
    features = keras.Model(backbone.input, last.output)(pixels, training=False)
    pooling = last.output is not backbone.output
    rest = keras.Model(last.output, backbone.output) if pooling else None

    def score(features: keras.KerasTensor) -> keras.KerasTensor:
        pooled = rest(features, training=False) if rest else features
        scores = head(pooled, training=False)
        return keras.ops.sum(scores * keras.ops.one_hot(classes, scores.shape[-1]))

    gradient = keras.ops.convert_to_numpy(_gradient(score, features))
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    maps = np.maximum((weights * keras.ops.convert_to_numpy(features)).sum(axis=-1), 0)
    return np.stack([_stretched(heat, images.shape[1]) for heat in maps])


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
