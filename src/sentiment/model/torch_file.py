"""Tensors out of a file that PyTorch's `torch.save` wrote, without PyTorch and without trust.

Such a file is a pickle, which could name any function of this machine and call it. Here only the
names of a plain table of tensors are known; every other one is refused before it is looked up.

The old form (before PyTorch 1.6) is five pickles, then the numbers: a magic number, the protocol,
the sizes of C's types, the table, whose tensors name their storages, and the storages' names in
the order in which their numbers follow, each as a count (int64) and that many values.
"""

import collections
import math
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from sentiment.base.errors import UserError, first_line

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""What the first two pickles hold (torch/serialization.py)."""

STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
"""The kinds of storage that are read, with NumPy's names of their numbers."""

DAMAGED = (
    pickle.UnpicklingError, OSError, EOFError, ValueError, TypeError, KeyError, AttributeError,
    IndexError, MemoryError, RecursionError, OverflowError,
)  # fmt: skip
"""What unpickling raises for bytes that are cut or changed."""


class Storage(NamedTuple):
    """Numbers that one tensor or several are views of."""

    kind: str
    """NumPy's name of the numbers' type."""
    key: str
    length: int


class Tensor(NamedTuple):
    """A view of a storage, in numbers, not in bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Read a table of tensors, such as a network's state.

    Returns:
        float32 or int64 arrays by name.

    Raises:
        UserError: the file is cut, damaged or of another form, or names anything else than a
            table of tensors; nothing of it was run.
    """
    try:
        with path.open("rb") as file:
            if (_unpickled(file), _unpickled(file)) != (MAGIC, PROTOCOL):
                raise ValueError("not of torch.save's old form")
            _unpickled(file)
            table = _table(_unpickled(file))
            numbers = _storages(file, _unpickled(file), table)
        return {name: _array(tensor, numbers) for name, tensor in table.items()}
    except DAMAGED as error:
        raise UserError(f"{path}: no PyTorch file that can be read ({first_line(error)})") from None


class _Function:
    """A function that a pickle may call; unlike a Python function it cannot be changed by one."""

    __slots__ = ("_call",)
    _call: Callable[..., object]

    def __init__(self, call: Callable[..., object]):
        object.__setattr__(self, "_call", call)

    def __call__(self, *arguments: object) -> object:
        return self._call(*arguments)

    def __setattr__(self, name: str, value: object) -> None:
        raise pickle.UnpicklingError("changes a function")


class _Unpickler(pickle.Unpickler):
    """Unpickles numbers, texts, lists, dictionaries and tensors, and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return _Function(collections.OrderedDict)
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Function(_tensor)
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"names {module}.{name}, which no table of tensors needs")

    def persistent_load(self, name: object) -> Storage:
        match name:
            case ("storage", str(kind), str(key), str(), int(count), None):
                if kind in STORAGES.values() and count >= 0:
                    return Storage(kind, key, count)
        raise pickle.UnpicklingError("names a storage of another form")


def _unpickled(file: BinaryIO) -> object:
    return _Unpickler(file).load()


def _tensor(storage: object, offset: object, shape: object, strides: object, *_: object) -> Tensor:
    """What a pickle gives `torch._utils._rebuild_tensor_v2`, if it lies inside its storage."""
    match storage, offset, shape, strides:
        case Storage(), int(), tuple(), tuple() if len(shape) == len(strides):
            sizes = (offset, *shape, *strides)
            if all(isinstance(size, int) and size >= 0 for size in sizes):
                last = offset + sum(
                    (size - 1) * stride for size, stride in zip(shape, strides, strict=True)
                )
                inside = 0 in shape or last < storage.length
                if inside and math.prod(shape) <= storage.length:
                    return Tensor(storage, offset, shape, strides)
    raise pickle.UnpicklingError("holds a tensor of another form")


def _table(unpickled: object) -> dict[str, Tensor]:
    """What was unpickled, if it is a table of tensors by name."""
    if isinstance(unpickled, dict):
        table = {
            name: tensor for name, tensor in unpickled.items()
            if isinstance(name, str) and isinstance(tensor, Tensor)
        }  # fmt: skip
        if len(table) == len(unpickled):
            return table
    raise ValueError("holds no table of tensors")


def _storages(file: BinaryIO, keys: object, table: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """The numbers that follow the pickles, by their storages' keys."""
    named = {tensor.storage.key: tensor.storage for tensor in table.values()}
    if not isinstance(keys, list) or set(keys) != named.keys():
        raise ValueError("its storages are not those of its tensors")
    numbers, end = {}, os.fstat(file.fileno()).st_size
    for key in keys:
        storage = named[key]
        count = int.from_bytes(file.read(8), "little")
        size = count * np.dtype(storage.kind).itemsize
        if count != storage.length or size > end - file.tell():
            raise EOFError("ends early")
        numbers[key] = np.frombuffer(file.read(size), storage.kind)
    return numbers


def _array(tensor: Tensor, numbers: dict[str, np.ndarray]) -> np.ndarray:
    values = numbers[tensor.storage.key][tensor.offset :]
    size = values.itemsize
    strides = [stride * size for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(values, tensor.shape, strides, writeable=False).copy()
