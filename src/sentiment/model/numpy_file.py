"""Layers' weights out of a file that NumPy's pickling wrote, without trust.

The file is a pickle of `{layer: {"weights": array, "bias": array}}`, or an `.npy` file whose one
value is such a dictionary, as `numpy.save` writes it. NumPy's own reader would run whatever the
pickle names. Here only arrays of plain numbers are known, in the ways in which NumPy 1 and 2 pickle
them in the protocols 2 to 5.
"""

import math
import os
import pickle
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sentiment.base.errors import UserError, first_line
from sentiment.model.restricted_pickle import DAMAGED, Function, Unpickler

NUMBERS = ("f2", "f4", "f8")
"""NumPy's names of the types of numbers that are read."""

Layers = dict[str, dict[str, np.ndarray]]
"""Arrays by layer and by what they are of it, such as `weights`."""


def read_layers(path: Path) -> Layers:
    """Read a table of layers' weights.

    Returns:
        float32 arrays by layer and part, in the order in which they were written.

    Raises:
        UserError: the file is cut, damaged or of another form, or names anything else than arrays
            of numbers; nothing of it was run.
    """
    try:
        with path.open("rb") as file:
            return _layers(file, os.fstat(file.fileno()).st_size)
    except DAMAGED as error:
        raise UserError(
            f"{path}: no NumPy pickle of layers' weights that can be read ({first_line(error)})"
        ) from None


def _layers(file: BinaryIO, size: int) -> Layers:
    wrapped = file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX
    file.seek(0)
    if wrapped:
        _skip_header(file)
    unpickled = Unpickler(file, size, KNOWN).load()
    if wrapped:
        unpickled = _only_value(unpickled)
    table = _table(unpickled)
    numbers = sum(math.prod(a.shape) * a.itemsize for parts in table.values()
                  for a in parts.values())  # fmt: skip
    if numbers > size:
        raise ValueError("holds more numbers than it has bytes")
    return {name: {part: array.values() for part, array in parts.items()}
            for name, parts in table.items()}  # fmt: skip


def _skip_header(file: BinaryIO) -> None:
    """Skip the header of an `.npy` file, which must be of one object."""
    read = {(1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0}  # fmt: skip
    shape, _, dtype = read[np.lib.format.read_magic(file)](file)
    if shape or dtype != np.dtype("O"):
        raise ValueError("holds an array, and no dictionary")


class _Type:
    """A type of numbers, of which a pickle first says the name, then the order of the bytes."""

    def __init__(self, name: object, *_: object):
        self.name = _text(name)
        self.order = "|"

    def __setstate__(self, state: object) -> None:
        match state:
            case (_, order, None, None, None, *_):
                self.order = _text(order)
                return
        raise pickle.UnpicklingError("holds numbers of a compound type")

    def dtype(self) -> np.dtype:
        if self.name not in NUMBERS or self.order not in ("<", ">"):
            raise pickle.UnpicklingError(f"holds values of the type {self.order}{self.name}")
        return np.dtype(self.order + self.name)


class _Array:
    """An array, of which a pickle first says that it is one, then what it holds."""

    shape: tuple[int, ...] = ()
    itemsize = 0

    def __init__(self, *_: object) -> None:
        self._type, self._order = _Type("none"), "C"
        self._content: object = None
        self._axes: tuple[int, ...] | None = None

    @classmethod
    def of_buffer(
        cls, buffer: object, kind: object, shape: object, order: object, axes: object = None
    ) -> "_Array":
        """What `numpy._core.numeric._frombuffer` is given, in protocol 5.

        Args:
            axes: the order of the axes of an array whose numbers are in neither C's order nor
                Fortran's.
        """
        array = cls()
        array.__setstate__((1, shape, kind, order == "F", buffer))
        match axes:
            case tuple() if sorted(axes) == list(range(len(array.shape))):
                array._axes = axes
            case None:
                pass
            case _:
                raise pickle.UnpicklingError("holds an array of another form")
        return array

    def __setstate__(self, state: object) -> None:
        match state:
            case (_, tuple(shape), _Type() as kind, bool(fortran), content):
                if all(isinstance(n, int) and n >= 0 for n in shape):
                    self._type, self.shape, self._content = kind, shape, content
                    self._order = "F" if fortran else "C"
                    self.itemsize = 0 if self.is_object else kind.dtype().itemsize
                    return
        raise pickle.UnpicklingError("holds an array of another form")

    @property
    def is_object(self) -> bool:
        """Whether it holds Python's objects: only the array around the whole table may."""
        return self._type.name == "O8"

    def only_value(self) -> object:
        """The one object of an array of objects without axes."""
        match self._content:
            case [value] if self.is_object and self.shape == ():
                return value
        raise pickle.UnpicklingError("holds no single value")

    def values(self) -> np.ndarray:
        """The numbers, float32."""
        content = self._content
        if isinstance(content, str):  # of Python 2, or of protocol 2
            content = content.encode("latin1")
        if self.is_object or not isinstance(content, bytes | bytearray):
            raise pickle.UnpicklingError("holds an array of objects")
        numbers = np.frombuffer(content, self._type.dtype())
        numbers = numbers.reshape(self.shape, order="F" if self._order == "F" else "C")
        if self._axes is not None:
            numbers = numbers.transpose(self._axes)
        return numbers.astype(np.float32, copy=False)


def _only_value(unpickled: object) -> object:
    if not isinstance(unpickled, _Array):
        raise pickle.UnpicklingError("holds no array around its value")
    return unpickled.only_value()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise pickle.UnpicklingError("holds no name where one is wanted")
    return value


def _encoded(text: object, encoding: object) -> object:
    """Bytes as Python 3 pickles them in protocol 2: `_codecs.encode(text, "latin1")`.

    They stay a text until they are wanted, so that a text named often takes no more memory.
    """
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("holds bytes of another form")
    return text


def _table(unpickled: object) -> dict[str, dict[str, _Array]]:
    """What was unpickled, if it is a table of arrays by layer and part."""
    if not isinstance(unpickled, dict) or not unpickled:
        raise ValueError("holds no dictionary of layers")
    for name, parts in unpickled.items():
        if not isinstance(name, str) or not isinstance(parts, dict):
            raise ValueError("holds no dictionary of layers")
        for part, array in parts.items():
            if not isinstance(part, str) or not isinstance(array, _Array):
                raise ValueError(f"{name} holds something else than arrays")
    return unpickled


KNOWN = {
    ("_codecs", "encode"): Function(_encoded),
    ("numpy", "dtype"): Function(_Type),
    ("numpy", "ndarray"): "numpy.ndarray",
    ("numpy.core.multiarray", "_reconstruct"): Function(_Array),
    ("numpy._core.multiarray", "_reconstruct"): Function(_Array),
    ("numpy.core.numeric", "_frombuffer"): Function(_Array.of_buffer),
    ("numpy._core.numeric", "_frombuffer"): Function(_Array.of_buffer),
}
"""The names that a dictionary of arrays needs, in NumPy 1 and in NumPy 2."""
