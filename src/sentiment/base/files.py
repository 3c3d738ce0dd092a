"""Files and folders that appear whole or not at all."""

import contextlib
import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sentiment.base.errors import UserError

PARTIAL = ".partial-"
"""First letters of the name of a file or folder that is being written."""


def partial(path: Path) -> Path:
    """The hidden name beside `path` under which it is written; keeps the suffix."""
    return path.with_name(PARTIAL + path.name)


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
        with _named(temporary):
            yield temporary
            sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path, keep: bool = False) -> Iterator[Path]:
    """Yield an empty folder; it takes the place of `path` when the block ends without an error.

    Args:
        keep: after an error leave the folder, and yield it the next time with what it holds.
    """
    temporary, replaced = partial(path), path.with_name(f".replaced-{path.name}")
    if replaced.exists() and not path.exists():  # killed between the two renames below
        replaced.rename(path)
    if not keep:
        shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True, exist_ok=keep)
    try:
        with _named(temporary):
            yield temporary
            os.sync()  # one call: a store may be 29,000 files
        shutil.rmtree(replaced, ignore_errors=True)
        if path.exists():
            path.rename(replaced)
        temporary.rename(path)
        sync(path.parent)
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        if not keep:
            shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield an empty hidden folder for what is made on the way to `path`; remove it afterwards.

    What a killed process left in it is removed first; keep other processes out with `locked`.
    """
    folder = partial(path)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Give an OSError that names no file the name of this one."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextlib.contextmanager
def locked(path: Path, doing: str = "writing") -> Iterator[None]:
    """Keep every other process from writing `path` during the block.

    The system lets go of a dead process's lock; the hidden file stays and says whose it was.

    Args:
        doing: what this process does to `path`, as another one is told that wants it too.

    Raises:
        UserError: another process has the lock.
    """
    from filelock import FileLock, Timeout  # not needed for --help

    file = _lock_of(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(f"{path}: {file.read_text()}; wait for it, or end it") from None
    try:
        file.write_text(f"process {os.getpid()} on {platform.node()} is {doing} it")
        yield
    finally:
        lock.release()


def worked_on(path: Path) -> bool | None:
    """Whether the process that last locked `path` is alive; None if it is of another machine.

    Only the lock's text is read: nothing is locked or written.
    """
    import psutil  # not needed for --help

    file = _lock_of(path)
    try:
        text, since = file.read_text(), file.stat().st_mtime
    except OSError:
        return False
    holder = re.match(r"process (\d+) on (\S+) is ", text)
    if holder is None:
        return False
    if holder[2] != platform.node():
        return None
    try:  # a process that began later has only got the same number
        return psutil.Process(int(holder[1])).create_time() <= since
    except psutil.NoSuchProcess:
        return False


def _lock_of(path: Path) -> Path:
    """The hidden file whose lock keeps other processes from writing `path`."""
    return path.with_name(f".{path.name}.lock")


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; 0 if there is nothing."""
    parts = path.rglob("*") if path.is_dir() else [path]
    return sum(part.stat().st_size for part in parts if part.is_file())


def check_room(folder: Path, needed: int, what: str, remedy: str = "make room") -> int:
    """Return the free bytes of a folder's disk, if they are enough.

    Args:
        folder: an existing folder on that disk.
        needed: how many bytes are wanted.
        what: the things that need them, in the plural, for the message.

    Raises:
        UserError: the free bytes are too few.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{folder}: {free / 1e9:,.2f} GB free, {what} need {needed / 1e9:,.2f}; {remedy}"
        )
    return free


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
    """Read a file of one JSON object.

    Raises:
        UserError: the file is missing or damaged.
    """

    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: damaged ({error})") from None
    return content
