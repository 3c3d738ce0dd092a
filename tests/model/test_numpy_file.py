"""NumPy's pickles of layers give their arrays, and nothing of a hostile one is run."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from sentiment.base.errors import UserError
from sentiment.model.numpy_file import read_layers

RANDOM = np.random.default_rng(1)
LAYERS = {
    "conv1_1": {
        "weights": RANDOM.normal(size=(4, 3, 3, 3)).astype("<f4"), "bias": np.ones(4, "<f4")
    },
    "fortran": {"weights": RANDOM.normal(size=(5, 7)).astype("<f4").T},
    "neither": {"weights": RANDOM.normal(size=(3, 3, 4, 2)).astype("<f4").transpose(3, 2, 0, 1)},
    "big-endian": {"bias": RANDOM.normal(size=7).astype(">f4")},
    "float64": {"bias": RANDOM.normal(size=7)},
}  # fmt: skip
"""Arrays in every order in which NumPy keeps them."""


def check(file: Path) -> None:
    layers = read_layers(file)
    assert list(layers) == list(LAYERS)
    for name, parts in LAYERS.items():
        assert layers[name].keys() == parts.keys()
        for part, array in parts.items():
            assert layers[name][part].dtype == np.float32
            np.testing.assert_array_equal(layers[name][part], array.astype(np.float32))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_are_read_in_every_protocol(protocol: int, tmp_path: Path) -> None:
    file = tmp_path / "a.pth"
    pickled = pickle.dumps(LAYERS, protocol)
    file.write_bytes(pickled)
    check(file)
    if protocol < 4:  # names are lines: those of NumPy 1
        file.write_bytes(pickled.replace(b"cnumpy._core.", b"cnumpy.core."))
        check(file)


def test_arrays_are_read_as_numpy_saves_a_dictionary(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array(LAYERS, dtype=object), allow_pickle=True)
    check(tmp_path / "a.npy")


class Command:
    """Runs a command when it is unpickled without care."""

    def __reduce__(self) -> tuple:
        return os.system, ("touch RUN",)


class Evaluated:
    def __reduce__(self) -> tuple:
        return eval, ("open('RUN', 'w')",)


HOSTILE = {
    "a command": Command(),
    "a command for an array": {"a": {"weights": Command()}},
    "a command in an array of objects": {"a": {"weights": np.array([Command()], object)}},
    "code": {"a": {"weights": Evaluated()}},
    "objects": {"a": {"weights": np.array([{}, []], object)}},
    "texts": {"a": {"weights": np.array(["a"])}},
    "whole numbers": {"a": {"weights": np.array([1, 2])}},
    "numbers of a compound type": {"a": {"weights": np.zeros(2, "f4,f4")}},
    "no arrays": {"a": {"weights": [1.0]}},
    "no layers": {"a": np.zeros(2, "f4")},
    "no dictionary": [1, 2],
    "nothing": {},
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("protocol", [2, 5])
def test_what_is_no_table_of_arrays_is_refused_and_not_run(
    what: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pth").write_bytes(pickle.dumps(HOSTILE[what], protocol))
    with pytest.raises(UserError, match=r"a\.pth: no NumPy pickle .+ can be read \(.+\)$"):
        read_layers(tmp_path / "a.pth")
    np.save(tmp_path / "b.pth", np.array(HOSTILE[what], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="no NumPy pickle"):
        read_layers(tmp_path / "b.pth.npy")
    assert not (tmp_path / "RUN").exists()


CONTENT = bytes(4000)


class SharesItsContent:
    """An array as NumPy pickles it, of bytes that a pickle holds once however many name them."""

    def __reduce__(self) -> tuple:
        reconstruct, arguments, _ = np.zeros(1).__reduce__()
        return reconstruct, arguments, (1, (1000,), np.dtype("<f4"), False, CONTENT)


@pytest.mark.parametrize(("content", "reason"), [
    (pickle.dumps({"a": {str(n): SharesItsContent() for n in range(50)}}), "more numbers than"),
    (b"\x80\x02X\xff\xff\xff\x7fshort", "ends early"),
    (b"\x80\x04\x8d" + (2**60).to_bytes(8, "little") + b"short", "ends early"),
    (b"\x80\x02Nr\xff\xff\xff\xff.", "no dictionary"),  # remembered as the 2**32th
])  # fmt: skip
def test_no_more_memory_is_taken_than_the_file_has(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(UserError, match=reason):
        read_layers(tmp_path / "a.pth")


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.pth"
    content = pickle.dumps(LAYERS, 4)
    for length in range(0, len(content), 7):
        file.write_bytes(content[:length])
        with pytest.raises(UserError, match="no NumPy pickle"):
            read_layers(file)
