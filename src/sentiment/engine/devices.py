"""A batch divided among devices: JAX's of all processes, or TensorFlow's of this process."""

import contextlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import keras
import numpy as np

if TYPE_CHECKING:
    import jax


class Devices:
    """A single device: nothing is divided."""

    count = 1

    def scope(self) -> contextlib.AbstractContextManager:
        """Models, optimizers and metrics that are made in it work on all devices."""
        return contextlib.nullcontext()

    def parts(self, size: int) -> int:
        """Into how many equal parts a batch of `size` images is divided."""
        return 1

    def share(self, size: int) -> slice:
        """Which images of a batch of `size` this process reads."""
        return slice(0, size)

    def batch(self, parts: tuple, size: int) -> tuple:
        """A batch as Keras takes it.

        Args:
            parts: of this process' share of the batch: inputs, labels and, if any, weights, each
                (b, ...); several inputs are a tuple.
            size: images of the whole batch.
        """
        return parts

    def whole(self, model: keras.Model) -> keras.Model:
        """A model with the same layers, whose `predict` gives every process the whole output."""
        return model

    def synchronized(self, model: keras.Model) -> contextlib.AbstractContextManager:
        """During it batch normalisation that learns sees whole batches, not a device's part."""
        return contextlib.nullcontext()


class JaxDevices(Devices):
    """All devices of all processes, each with a copy of the model, by `keras.distribution`.

    A batch is divided into as many equal parts as there can be; where these are fewer than the
    devices, several take the same part. So a batch of any size gives what it gives on a single
    device, with nothing padded that batch normalisation would see.

    `Batches` hands over what is divided already, for Keras divides every batch of an epoch as
    its first. Hence the scope ends before `fit`, `evaluate` and `predict`.
    """

    def __init__(self) -> None:
        import jax

        self.count = jax.device_count()
        self._distribution = keras.distribution.DataParallel(auto_shard_dataset=False)

    def scope(self) -> contextlib.AbstractContextManager:
        return self._distribution.scope()

    def parts(self, size: int) -> int:
        return math.gcd(size, self.count)

    def share(self, size: int) -> slice:
        indices = self._sharding(size).addressable_devices_indices_map((size,)).values()
        starts, stops = zip(*(_ends(index, size) for index in indices), strict=True)
        return slice(min(starts), max(stops))

    def batch(self, parts: tuple, size: int) -> tuple:
        return keras.tree.map_structure(lambda part: self._divided(part, size), parts)

    def whole(self, model: keras.Model) -> keras.Model:
        with self.scope():
            gathered = keras.Model(model.inputs, _Whole(self._distribution)(model.outputs[0]))
            gathered.make_predict_function()
        return gathered

    def _sharding(self, size: int) -> "jax.sharding.Sharding":
        import jax
        from jax.sharding import Mesh, NamedSharding, PartitionSpec

        devices = np.array(jax.devices()).reshape(self.parts(size), -1)
        return NamedSharding(Mesh(devices, ("part", "copy")), PartitionSpec("part"))

    def _divided(self, share: np.ndarray, size: int) -> "jax.Array":
        """A batch's array on all devices, made of this process' share of its rows."""
        import jax

        first = self.share(size).start

        def part(index: tuple[slice, ...] | None) -> np.ndarray:
            start, stop = _ends(index, size)
            return share[start - first : stop - first]

        shape = (size, *share.shape[1:])
        return jax.make_array_from_callback(shape, self._sharding(size), part)


def _ends(index: tuple[slice, ...] | None, size: int) -> tuple[int, int]:
    """First row of a device's part of a batch, and the one after its last.

    Args:
        index: as JAX gives it, one slice a dimension; None is the whole batch.
    """
    start, stop, _ = (index[0] if index else slice(None)).indices(size)
    return start, stop


class _Whole(keras.layers.Layer):
    """Returns its input, with all of it on every device."""

    def __init__(self, distribution: keras.distribution.DataParallel):
        super().__init__(name="whole")
        self._mesh = distribution.device_mesh

    def call(self, values: keras.KerasTensor) -> keras.KerasTensor:
        layout = keras.distribution.TensorLayout([None] * len(values.shape), self._mesh)
        return keras.distribution.distribute_tensor(values, layout)


class TensorFlowDevices(Devices):
    """Several GPUs of this machine, by TensorFlow's `MirroredStrategy`.

    It gives each GPU its part of a batch and averages the parts' gradients. Where a last batch
    does not divide evenly, the images of a smaller part so weigh a little more.
    """

    def __init__(self, names: list[str]):
        import tensorflow as tf

        self.count = len(names)
        self._strategy = tf.distribute.MirroredStrategy(names)

    def scope(self) -> contextlib.AbstractContextManager:
        return self._strategy.scope()

    def parts(self, size: int) -> int:
        return self.count

    @contextlib.contextmanager
    def synchronized(self, model: keras.Model) -> Iterator[None]:
        layers = [
            layer
            for layer in model.get_layer("backbone").layers
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]
        for layer in layers:
            layer.synchronized = True
        try:
            yield
        finally:
            for layer in layers:
                layer.synchronized = False  # as other backends and one device have it


_devices = Devices()
"""Changed by `take`."""


def take(names: list[str]) -> None:
    """Let models work on these devices, all that there are."""
    global _devices
    if len(names) > 1 and keras.backend.backend() == "jax":
        _devices = JaxDevices()
    elif len(names) > 1 and keras.backend.backend() == "tensorflow":
        _devices = TensorFlowDevices(names)


def taken() -> Devices:
    """The devices that models work on."""
    return _devices
