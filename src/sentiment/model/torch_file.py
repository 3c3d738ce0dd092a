"""Tensors out of a file that PyTorch's `torch.save` wrote, without PyTorch and without trust.

The old form (before PyTorch 1.6) is five pickles, then the numbers: a magic number, the protocol,
the sizes of C's types, the table, whose tensors name their storages, and the storages' names in
the order in which their numbers follow, each as a count (int64) and that many values.

The form since is a zip archive: `data.pkl` holds the table, `data/KEY` the numbers of each storage.
"""

import collections
import io
import math
import os
import pickle
import zipfile
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from sentiment.base.errors import UserError, first_line
from sentiment.model.restricted_pickle import DAMAGED, Function, Unpickler

ENDING = ".pth"
"""Ends the names of PyTorch's files."""

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""What the first two pickles hold (torch/serialization.py)."""

STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
"""The kinds of storage that are read, with NumPy's names of their numbers."""

ZIP = b"PK\3\4"
"""Begins a zip archive."""


class Storage(NamedTuple):
    """Numbers that one tensor or several are views of."""

    kind: str
    """NumPy's name of the numbers' type."""
    key: str
    length: int

    @property
    def bytes(self) -> int:
        """Size of the numbers."""
        return self.length * np.dtype(self.kind).itemsize


class Tensor(NamedTuple):
    """A view of a storage, in numbers, not in bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Read a table of tensors, such as a network's state, in the order in which it was written.

    Returns:
        float32 or int64 arrays by name.

    Raises:
        UserError: the file is cut, damaged or of another form, or names anything else than a
            table of tensors; nothing of it was run.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(len(ZIP)) == ZIP
            file.seek(0)
            table, numbers = (_zipped if zipped else _old)(file)
        return {name: _array(tensor, numbers) for name, tensor in table.items()}
    except DAMAGED as error:
        raise UserError(f"{path}: no PyTorch file that can be read ({first_line(error)})") from None


def _old(file: BinaryIO) -> tuple[dict[str, Tensor], dict[str, np.ndarray]]:
    """The table of a file in the old form, and its storages' numbers, by key."""
    size = os.fstat(file.fileno()).st_size
    if (_unpickled(file, size), _unpickled(file, size)) != (MAGIC, PROTOCOL):
        raise ValueError("of no form of torch.save")
    _unpickled(file, size)
    table = _table(_unpickled(file, size), size)
    named = _storages(table)
    keys = _unpickled(file, size)
    if not isinstance(keys, list) or set(keys) != named.keys():
        raise ValueError("its storages are not those of its tensors")
    numbers = {}
    for key in keys:
        storage = named[key]
        count = int.from_bytes(file.read(8), "little")
        if count != storage.length or storage.bytes > size - file.tell():
            raise EOFError("ends early")
        numbers[key] = np.frombuffer(file.read(storage.bytes), storage.kind)
    return table, numbers


def _zipped(file: BinaryIO) -> tuple[dict[str, Tensor], dict[str, np.ndarray]]:
    """The table of a file in the form of a zip archive, and its storages' numbers, by key."""
    size = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        names = [n for n in archive.namelist() if n.endswith("/data.pkl") and n.count("/") == 1]
        if len(names) != 1:
            raise ValueError("holds no data.pkl")
        folder = names[0].removesuffix("data.pkl")

        def member(name: str, expected: int | None = None) -> bytes:
            info = archive.getinfo(folder + name)
            if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
                raise ValueError(f"{name} is packed")
            if expected not in (None, info.file_size):
                raise ValueError(f"{name} has not the size that its tensors say")
            return archive.read(info)

        if f"{folder}byteorder" in archive.namelist() and member("byteorder") != b"little":
            raise ValueError("its numbers are not little-endian")
        pickled = member("data.pkl")
        table = _table(_unpickled(io.BytesIO(pickled), len(pickled)), size)
        numbers = {
            key: np.frombuffer(member(f"data/{key}", storage.bytes), storage.kind)
            for key, storage in _storages(table).items()
        }
    return table, numbers


class _TensorUnpickler(Unpickler):
    """Knows tensors, and how they name their storages."""

    def persistent_load(self, name: object) -> Storage:
        match name:
            case ("storage", str(kind), str(key), str(), int(count), *_):
                if kind in STORAGES.values() and count >= 0:
                    return Storage(kind, key, count)
        raise pickle.UnpicklingError("names a storage of another form")


def _unpickled(file: BinaryIO, size: int) -> object:
    return _TensorUnpickler(file, size, KNOWN).load()


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


KNOWN = {
    ("collections", "OrderedDict"): Function(collections.OrderedDict),
    ("torch._utils", "_rebuild_tensor_v2"): Function(_tensor),
    **{("torch", name): kind for name, kind in STORAGES.items()},
}
"""The names that a table of tensors needs."""


def _table(unpickled: object, size: int) -> dict[str, Tensor]:
    """What was unpickled, if it is a table of tensors by name that fits into `size` bytes."""
    if isinstance(unpickled, dict):
        table = {
            name: tensor for name, tensor in dict.items(unpickled)
            if isinstance(name, str) and isinstance(tensor, Tensor)
        }  # fmt: skip
        if len(table) == len(unpickled):
            bytes_of = [math.prod(t.shape) * np.dtype(t.storage.kind).itemsize
                        for t in table.values()]  # fmt: skip
            if sum(bytes_of) > size:
                raise ValueError("holds more numbers than it has bytes")
            return table
    raise ValueError("holds no table of tensors")


def _storages(table: dict[str, Tensor]) -> dict[str, Storage]:
    """The storages that the tensors are views of, by key."""
    storages: dict[str, Storage] = {}
    for tensor in table.values():
        if storages.setdefault(tensor.storage.key, tensor.storage) != tensor.storage:
            raise ValueError("names a storage in two ways")
    return storages


def _array(tensor: Tensor, numbers: dict[str, np.ndarray]) -> np.ndarray:
    values = numbers[tensor.storage.key][tensor.offset :]
    size = values.itemsize
    strides = [stride * size for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(values, tensor.shape, strides, writeable=False).copy()
