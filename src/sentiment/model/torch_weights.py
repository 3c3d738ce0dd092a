"""Gives layers of Keras the weights of PyTorch's layers, whose numbers are in another order.

PyTorch's convolutions are (out, in, rows, columns), Keras' (rows, columns, in, out); its fully
connected layers are (out, in), Keras' (in, out). Where such a layer follows an image, PyTorch has
counted its inputs by channel, row and column, Keras by row, column and channel.
"""

from collections.abc import Iterable, Mapping

import keras
import numpy as np

Parts = Mapping[str, np.ndarray]
"""A layer's arrays by PyTorch's names: weight, bias, running_mean, running_var."""

COUNTER = "num_batches_tracked"
"""What PyTorch's batch normalisation counts beside its weights."""


def layers_of(tensors: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """A network's state by layers, in their order: `features.0.weight` is of `features.0`."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, array in tensors.items():
        layer, _, part = name.rpartition(".")
        if part != COUNTER:
            layers.setdefault(layer, {})[part] = array
    return layers


def set_in_order(
    layers: Iterable[keras.Layer],
    given: Mapping[str, Parts],
    image: tuple[int, int, int] | None = None,
) -> None:
    """Give layers the weights of as many others, one by one, each checked by its shape.

    Args:
        layers: layers of Keras; those without weights are left out.
        given: PyTorch's layers, by name, in the same order. One more may be there: the last layer,
            of the classes that the original tells apart.
        image: as `set_layer` has it, for the first fully connected layer.

    Raises:
        ValueError: they are not of the same number, kind or shape; it is said which.
    """
    taking = [layer for layer in layers if layer.weights]
    if len(given) - len(taking) not in (0, 1):
        raise ValueError(f"it has {len(given)} layers with weights; expected {len(taking)}")
    for layer, (name, parts) in zip(taking, given.items(), strict=False):
        set_layer(layer, name, parts, image)
        if isinstance(layer, keras.layers.Dense):
            image = None


def set_layer(
    layer: keras.Layer, name: str, parts: Parts, image: tuple[int, int, int] | None = None
) -> None:
    """Give a layer the weights of PyTorch's.

    Args:
        name: what the layer is called in its file, for messages.
        image: rows, columns and channels of what a fully connected layer's inputs were flattened
            from; None where they are no image.

    Raises:
        ValueError: a part is missing, or has another shape, or values that are no numbers.
    """
    wanted = _wanted(layer)
    if unknown := parts.keys() ^ wanted.keys():
        part = sorted(unknown)[0]
        has = "no" if part in wanted else "a"
        raise ValueError(f"{name} has {has} {part}; expected {', '.join(wanted)}")
    for part, shape in wanted.items():
        array = parts[part]
        if array.shape != shape and not _is_as_convolution(layer, array, shape):
            raise ValueError(f"{name} has a {part} of the shape {array.shape}; expected {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has a {part} with values that are no numbers")
    layer.set_weights([
        _as_keras_has_it(layer, parts[part], image) if part == "weight" else parts[part]
        for part in wanted
    ])  # fmt: skip


class State:
    """A network's state, out of which arrays are taken by their names, each checked by its shape.

    Args:
        tensors: arrays by name, from which those taken are removed.
    """

    def __init__(self, tensors: dict[str, np.ndarray]):
        self._left = tensors

    def take(self, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """An array of a shape, in which None stands for any length.

        Raises:
            ValueError: it is missing, or has another shape, or values that are no numbers.
        """
        if name not in self._left:
            raise ValueError(f"it has no {name}")
        array = self._left.pop(name)
        if len(array.shape) != len(shape) or any(
            wanted not in (None, has) for has, wanted in zip(array.shape, shape, strict=True)
        ):
            raise ValueError(f"{name} has the shape {array.shape}; expected {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are no numbers")
        return array

    def set_layer(self, layer: keras.Layer, name: str) -> None:
        """Give a layer the weights of PyTorch's of this name.

        Raises:
            ValueError: as `take` does.
        """
        wanted = _wanted(layer)
        parts = {part: self.take(f"{name}.{part}", shape) for part, shape in wanted.items()}
        set_layer(layer, name, parts)

    def check_empty(self, classifier: str) -> None:
        """Check that nothing is left but the layer of the classes that the original tells apart.

        Raises:
            ValueError: there is more, so it is another network's.
        """
        left = [name for name in self._left if not name.startswith(f"{classifier}.")]
        if left:
            raise ValueError(f"it has {left[0]}, which is not of this network")


def _wanted(layer: keras.Layer) -> dict[str, tuple[int, ...]]:
    """PyTorch's parts of a layer with their shapes, in the order of Keras' weights."""
    shapes = [tuple(weight.shape) for weight in layer.weights]
    if isinstance(layer, keras.layers.BatchNormalization):
        names = ("weight", "bias", "running_mean", "running_var")
        return dict(zip(names, shapes, strict=True))
    if isinstance(layer, keras.layers.LayerNormalization):
        return dict(zip(("weight", "bias"), shapes, strict=True))
    kernel, *bias = shapes
    if isinstance(layer, keras.layers.Dense):
        turned = kernel[::-1]
    elif isinstance(layer, keras.layers.DepthwiseConv2D):
        turned = tuple(kernel[axis] for axis in (2, 3, 0, 1))
    else:
        turned = tuple(kernel[axis] for axis in (3, 2, 0, 1))
    return {"weight": turned, **dict(zip(("bias",), bias, strict=False))}


def _is_as_convolution(layer: keras.Layer, array: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether a fully connected layer was written as a convolution over the whole image."""
    dense = isinstance(layer, keras.layers.Dense)
    return dense and array.ndim == 4 and (len(array), array[0].size) == shape


def _as_keras_has_it(
    layer: keras.Layer, weight: np.ndarray, image: tuple[int, int, int] | None
) -> np.ndarray:
    """PyTorch's weight in the order of Keras."""
    if isinstance(layer, keras.layers.BatchNormalization | keras.layers.LayerNormalization):
        return weight
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return weight.transpose(2, 3, 0, 1)
    if isinstance(layer, keras.layers.Conv2D):
        return weight.transpose(2, 3, 1, 0)
    if image:
        rows, columns, channels = image
        weight = weight.reshape(-1, channels, rows, columns).transpose(0, 2, 3, 1)
    return weight.reshape(len(weight), -1).T
