"""A PyTorch file gives its tensors, and nothing of a hostile one is run."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sentiment.base.errors import UserError
from sentiment.model.torch_file import MAGIC, PROTOCOL, read_tensors

NUMBERS = np.arange(6, dtype="<f4")


def opcodes(value: object) -> bytes:
    """What pickles a value inside a longer pickle."""
    return pickle.dumps(value, 2)[2:-1]


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + b"(" + b"".join(arguments) + b"tR"


def storage(kind: str = "FloatStorage", length: object = 6, module: str = "torch") -> bytes:
    parts = opcodes("storage"), named(module, kind), *map(opcodes, ("0", "cpu", length, None))
    return b"(" + b"".join(parts) + b"tQ"


def tensor(
    of: bytes, shape: tuple = (2, 3), strides: tuple = (3, 1), offset: int = 0, more: bytes = b""
) -> bytes:
    rebuild = named("torch._utils", "_rebuild_tensor_v2")
    return call(rebuild, of, *map(opcodes, (offset, shape, strides, False, {}))) + more


def table(**entries: bytes) -> bytes:
    parts = b"".join(opcodes(name) + entry for name, entry in entries.items())
    return call(named("collections", "OrderedDict")) + b"(" + parts + b"u"


def saved(path: Path, content: bytes, numbers: bytes = NUMBERS.tobytes(), length: int = 6) -> Path:
    """A file in the form of torch.save, with the table pickled by `content`."""
    head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, {"little_endian": True}))
    keys = pickle.dumps(["0"], 2) + length.to_bytes(8, "little")
    path.write_bytes(head + b"\x80\x02" + content + b"." + keys + numbers)
    return path


def test_tensors_are_views_of_their_storage(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.pth", table(
        whole=tensor(storage()), turned=tensor(storage(), (3, 2), (1, 3)),
        last=tensor(storage(), (2,), (1,), 4), none=tensor(storage(), (0,), (1,)),
    ))  # fmt: skip
    tensors = read_tensors(file)
    expected = {
        "whole": NUMBERS.reshape(2, 3), "turned": NUMBERS.reshape(2, 3).T, "last": NUMBERS[4:],
        "none": NUMBERS[:0],
    }  # fmt: skip
    assert list(tensors) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(tensors[name], values)
        assert tensors[name].dtype == np.float32


def test_whole_numbers_are_read_too(tmp_path: Path) -> None:
    numbers = np.array([7], "<i8")
    entry = tensor(storage("LongStorage", 1), (), ())
    file = saved(tmp_path / "a.pth", table(count=entry), numbers.tobytes(), 1)
    assert read_tensors(file)["count"] == 7


HOSTILE = {
    "os.system": call(named("os", "system"), opcodes("touch RUN")),
    "builtins.eval": call(named("builtins", "eval"), opcodes("open('RUN', 'w')")),
    "torch's loader": call(named("torch", "load"), opcodes("RUN")),
    "an attribute of a name": call(named("collections", "OrderedDict.fromkeys"), opcodes(["a"])),
    "half precision": table(a=tensor(storage("HalfStorage"))),
    "a storage of another module": table(a=tensor(storage("FloatStorage", module="builtins"))),
    "a changed function": named("torch._utils", "_rebuild_tensor_v2")
    + opcodes((None, {"__call__": 1})) + b"b",
    "a changed number type": named("torch", "FloatStorage") + opcodes((3, "<", None)) + b"b",
    "an object made by its class": named("collections", "OrderedDict") + b")\x81",
    "numbers beyond the storage": table(a=tensor(storage(), (2, 4), (4, 1))),
    "numbers before the storage": table(a=tensor(storage(), (2, 3), (-3, 1), 5)),
    "a huge view of few numbers": table(a=tensor(storage(), (10**6, 10**6), (0, 0))),
    "a storage without end": table(a=tensor(storage(length=2**60), (1,), (1,))),
    "a length that is no number": table(a=tensor(storage(length="6"))),
    "no tensors": table(a=opcodes("text")),
    "no table": opcodes([1, 2]),
    "names that are no text": b"}" + opcodes(1) + tensor(storage()) + b"s",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_table_of_tensors_is_refused_and_not_run(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"a\.pth: no PyTorch file that can be read \(.+\)$"):
        read_tensors(saved(tmp_path / "a.pth", HOSTILE[what]))
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]
    good = read_tensors(saved(tmp_path / "b.pth", table(a=tensor(storage()))))
    np.testing.assert_array_equal(good["a"], NUMBERS.reshape(2, 3))


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.pth", table(a=tensor(storage())))
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(UserError, match="no PyTorch file"):
            read_tensors(file)


def test_the_other_forms_of_files_are_told(tmp_path: Path) -> None:
    for name, content in {"zip": b"PK\3\4" + bytes(99), "text": b"hello", "empty": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match="no PyTorch file"):
            read_tensors(tmp_path / name)
    with pytest.raises(UserError, match="No such file"):
        read_tensors(tmp_path / "none.pth")


def test_two_lengths_of_one_storage_are_refused(tmp_path: Path) -> None:
    long = tensor(storage(length=10**6), (10**6,), (1,))
    file = saved(tmp_path / "a.pth", table(a=long, b=tensor(storage())), bytes(10**7))
    with pytest.raises(UserError, match="in two ways"):
        read_tensors(file)


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state that PyTorch itself saved, in the form since 1.6."""
    import torch

    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    file = tmp_path_factory.mktemp("zipped") / "a.pth"
    torch.save(network.state_dict(), file)
    return file


def test_what_pytorch_saves_today_is_read(zipped: Path) -> None:
    import torch

    tensors = read_tensors(zipped)
    expected = torch.load(zipped, weights_only=True)
    assert list(tensors) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(tensors[name], values.numpy())


def test_a_zip_archive_of_another_form_is_refused(zipped: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(zipped) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    folder = zipped.stem
    hostile = b"\x80\x02" + HOSTILE["os.system"] + b"."
    changed = {
        "a command": {f"{folder}/data.pkl": hostile},
        "a cut storage": {f"{folder}/data/0": members[f"{folder}/data/0"][:-4]},
        "other bytes": {f"{folder}/byteorder": b"big"},
        "no table": {f"{folder}/data.pkl": None},
        "no storage": {f"{folder}/data/0": None},
    }
    for what, change in changed.items():
        file = tmp_path / f"{what}.pth"
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in (members | change).items():
                if content is not None:
                    archive.writestr(name, content)
        with pytest.raises(UserError, match="no PyTorch file"):
            read_tensors(file)
    with zipfile.ZipFile(tmp_path / "packed.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(UserError, match="is packed"):
        read_tensors(tmp_path / "packed.pth")
    (tmp_path / "cut.pth").write_bytes(zipped.read_bytes()[:-50])
    with pytest.raises(UserError, match="no PyTorch file"):
        read_tensors(tmp_path / "cut.pth")
