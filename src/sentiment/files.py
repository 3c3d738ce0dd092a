"""Files and folders that appear whole or not at all."""

import contextlib
import json
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from sentiment.errors import UserError


def partial(path: Path) -> Path:
    """The hidden name beside `path` under which it is written; keeps the suffix."""
    return path.with_name(f".partial-{path.name}")


def sync(path: Path) -> None:
    """Flush a file's bytes, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a name to write to; it becomes `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = partial(path)
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder; it takes the place of `path` when the block ends without an error."""
    temporary, replaced = partial(path), path.with_name(f".replaced-{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        os.sync()  # one call: a store may be 29,000 files
        shutil.rmtree(replaced, ignore_errors=True)
        if path.exists():
            path.rename(replaced)
        temporary.rename(path)
        sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep every other process from writing `path` during the block.

    The system lets go of a dead process's lock; the hidden file stays and says whose it was.

    Raises:
        UserError: another process has it.
    """
    from filelock import FileLock, Timeout  # not needed for --help

    file = path.with_name(f".{path.name}.lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(
            f"{path}: {file.read_text()} is writing it; wait for it, or end it"
        ) from None
    try:
        file.write_text(f"process {os.getpid()} on {platform.node()}")
        yield
    finally:
        lock.release()


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def write_json(path: Path, content: dict) -> None:
    """Write `content` as indented JSON, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> dict:
    """Read an object that may be damaged.

    Raises:
        UserError: it is.
    """
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: damaged ({error})") from None
    return content
