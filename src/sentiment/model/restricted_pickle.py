"""A pickle of weights, read without trust: a few names are known to it, and nothing else.

A pickle could name any function of this machine and call it. Here every name that its reader does
not know is refused before it is looked up, and no more bytes are asked for than the file has.
"""

import pickle
import zipfile
from collections.abc import Callable, Mapping
from typing import BinaryIO

DAMAGED = (
    pickle.UnpicklingError, OSError, EOFError, ValueError, TypeError, KeyError, AttributeError,
    IndexError, MemoryError, RecursionError, OverflowError, NotImplementedError,
    zipfile.BadZipFile,
)  # fmt: skip
"""What reading raises for bytes that are cut or changed."""


class Function:
    """A function that a pickle may call; unlike a Python function it cannot be changed by one."""

    __slots__ = ("_call",)
    _call: Callable[..., object]

    def __init__(self, call: Callable[..., object]):
        object.__setattr__(self, "_call", call)

    def __call__(self, *arguments: object) -> object:
        return self._call(*arguments)

    def __setattr__(self, name: str, value: object) -> None:
        raise pickle.UnpicklingError("changes a function")


class Unpickler(pickle._Unpickler):
    """Unpickles numbers, texts, lists, dictionaries and what the known names make.

    It is the one in Python: the one in C takes as much memory for what it remembers as a file says.
    Texts of Python 2 are read as Latin-1, which NumPy's numbers then are in.

    Args:
        file: is read from where it stands, to the pickle's end.
        size: bytes of the file.
        known: what stands for each name, by module and name: a Function, or anything that cannot be
            called.

    Raises:
        UnpicklingError: the pickle names something else; other errors of DAMAGED: it is cut or
            changed.
    """

    def __init__(self, file: BinaryIO, size: int, known: Mapping[tuple[str, str], object]):
        super().__init__(_Measured(file, size), encoding="latin1")
        self._known = known

    def find_class(self, module: str, name: str) -> object:
        try:
            return self._known[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"names {module}.{name}, which no table of weights needs"
            ) from None


class _Measured:
    """A file that is asked for no more bytes than are left in it."""

    def __init__(self, file: BinaryIO, size: int):
        self._file, self._size = file, size

    def _check(self, count: int) -> None:
        if count > self._size - self._file.tell():
            raise EOFError("ends early")

    def read(self, count: int) -> bytes:
        self._check(count)
        return self._file.read(count)

    def readinto(self, buffer: bytearray) -> int:
        self._check(len(buffer))
        return self._file.readinto(buffer)  # type: ignore[attr-defined]

    def readline(self) -> bytes:
        return self._file.readline()
