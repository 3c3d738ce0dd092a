"""What long work has finished, block by block, so that the same command goes on there."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sentiment.base import files

FILE = ".journal"
"""Its name in a folder that is written block by block."""

SECONDS = 10
"""Work that a kill may cost, about: to note every block would wait for the disk too often."""


class Journal:
    """A file with a line for the plan and one for each finished block.

    A line is a digest of what follows, and that as JSON. The first one that is torn or
    damaged ends the journal.

    Args:
        file: where it lies; it is begun if it is not there.
        plan: all that the result depends on.
    """

    def __init__(self, file: Path, plan: dict):
        self._file, self._plan = file, json.loads(json.dumps(plan))
        self._last = time.monotonic()
        theirs, *blocks = _read(file) or [self._plan]
        self.blocks: list[dict] = blocks
        """What `add` was given, in order."""
        self.difference = _difference(theirs, self._plan)
        """How the plan in the file differs, in words; then nothing is changed until `rewind`."""
        if not self.difference:
            self.rewind(len(blocks))

    def add(self, block: dict) -> None:
        """Note that a block, whose files have reached the disk, is finished."""
        block |= {"seconds": round(self._since_last(), 3)}
        with self._file.open("a") as lines:
            lines.write(_line(block))
            lines.flush()
            os.fsync(lines.fileno())
        self.blocks.append(block)
        self._last = time.monotonic()

    def rewind(self, count: int) -> None:
        """Keep the first blocks only, and our plan."""
        self.difference, self.blocks = "", self.blocks[:count]
        with files.whole_file(self._file) as temporary:
            temporary.write_text("".join(map(_line, [self._plan, *self.blocks])))

    @property
    def due(self) -> bool:
        """Whether it is time to note what has been done."""
        return self._since_last() >= SECONDS

    @property
    def seconds(self) -> float:
        """What the work has taken, that before a kill included."""
        return sum(block["seconds"] for block in self.blocks) + self._since_last()

    def _since_last(self) -> float:
        return time.monotonic() - self._last


@contextlib.contextmanager
def folder(path: Path, plan: dict, other: Callable[[str], None]) -> Iterator[tuple[Path, Journal]]:
    """Yield a folder to write block by block, and its journal; it becomes `path` at the end.

    After an error or a kill the folder stays, and the next call yields it again.

    Args:
        other: is told how the plan of the folder that is there differs; unless it raises,
            that folder is cleared.
    """
    with files.whole_folder(path, keep=True) as temporary:
        journal = Journal(temporary / FILE, plan)
        if journal.difference:
            other(journal.difference)
            shutil.rmtree(temporary)
            temporary.mkdir()
            journal.rewind(0)
        yield temporary, journal
    (path / FILE).unlink()


def _line(entry: dict) -> str:
    text = json.dumps(entry)
    return f"{_digest(text.encode())} {text}\n"


def _digest(text: bytes) -> str:
    import xxhash  # not needed for --help

    return xxhash.xxh3_64_hexdigest(text)


def _read(file: Path) -> list[dict]:
    """The entries up to the first line that is not whole."""
    entries: list[dict] = []
    for line in file.read_bytes().splitlines() if file.exists() else ():
        digest, _, text = line.partition(b" ")
        if digest.decode(errors="replace") != _digest(text):
            break
        entries.append(json.loads(text))
    return entries


def _difference(theirs: dict, ours: dict) -> str:
    """Such as `seed 1; this one has seed 2`."""
    keys = [key for key in theirs | ours if theirs.get(key) != ours.get(key)]

    def in_words(plan: dict) -> str:
        return ", ".join(f"{key.replace('_', ' ')} {plan.get(key)}" for key in keys)

    return f"{in_words(theirs)}; this one has {in_words(ours)}" if keys else ""
