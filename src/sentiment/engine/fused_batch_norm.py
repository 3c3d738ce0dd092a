"""Batch normalisation that learns by one kernel of the backend, where Keras makes it of many.

Keras 3 takes mean, variance and the normalised features one after the other, and each goes through
the features in memory again, forward and back: a third of an FT-A step of MobileNetV2 on a CPU.
TensorFlow and PyTorch have one kernel for all; JAX joins Keras' operations by itself. The results
are equal but for rounding.
"""

from collections.abc import Callable

import keras
from keras import ops

Kernel = Callable[..., tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]]
"""From features (b, h, w, c), scale (c,), offset (c,) and epsilon, all float32, to the normalised
features, and their mean and variance, (c,), over the batch."""


def fuse(model: keras.Model) -> None:
    """Let a model's batch normalisations learn by one kernel each.

    Its file says nothing of it, and outside training it computes what it did.

    Args:
        model: its layer "backbone" holds them.
    """
    kernel = {"tensorflow": _tensorflow, "torch": _pytorch}.get(keras.backend.backend())
    if kernel is None:
        return
    for layer in model.get_layer("backbone").layers:
        fits = isinstance(layer, keras.layers.BatchNormalization) and layer.axis in (-1, 3)
        if fits and len(layer.output.shape) == 4:
            layer.call = _learning_by(kernel, layer)


def _learning_by(kernel: Kernel, layer: keras.layers.BatchNormalization) -> Callable:
    """The layer's `call`, which learns by a kernel."""
    as_in_keras = layer.call

    def call(
        inputs: keras.KerasTensor, training: bool | None = None, mask: None = None
    ) -> keras.KerasTensor:
        if not (training and layer.trainable) or layer.synchronized:
            return as_in_keras(inputs, training=training, mask=mask)
        spread, centre = layer.moving_variance, layer.moving_mean
        scale = ops.cast(layer.gamma, "float32") if layer.scale else ops.ones_like(spread)
        offset = ops.cast(layer.beta, "float32") if layer.center else ops.zeros_like(centre)
        features = ops.cast(inputs, "float32")
        normalised, mean, variance = kernel(features, scale, offset, layer.epsilon)
        kept = layer.momentum
        centre.assign(centre * kept + mean * (1 - kept))
        spread.assign(spread * kept + variance * (1 - kept))
        return ops.cast(normalised, layer.compute_dtype)

    return call


def _tensorflow(
    features: keras.KerasTensor,
    scale: keras.KerasTensor,
    offset: keras.KerasTensor,
    epsilon: float,
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    import tensorflow as tf

    none = tf.zeros(0)
    done = tf.raw_ops.FusedBatchNormV3(
        x=features, scale=scale, offset=offset, mean=none, variance=none, epsilon=epsilon
    )
    places = tf.cast(tf.reduce_prod(tf.shape(features)[:-1]), tf.float32)
    # It gives n / (n - 1) times the variance, which Keras does not.
    return done.y, done.batch_mean, done.batch_variance * (tf.maximum(places - 1, 1) / places)


def _pytorch(
    features: keras.KerasTensor,
    scale: keras.KerasTensor,
    offset: keras.KerasTensor,
    epsilon: float,
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    import torch

    normalised, mean, inverse_deviation = torch.native_batch_norm(
        features.movedim(-1, 1), scale, offset, None, None, True, 0.0, epsilon
    )
    return normalised.movedim(1, -1), mean, inverse_deviation**-2 - epsilon
