"""A journal of the blocks that long work has finished: after a stop it goes on behind them."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sentiment.base import files

FILE = ".journal"
"""Name of the journal in a folder that is written block by block."""

SECONDS = 10
"""Work that a kill may cost, about: noting every block would wait for the disk too often."""


class Journal:
    """A file with a line for the plan and one for each finished block.

    A line is JSON behind its digest. The first line that is torn or damaged ends the journal.

    Args:
        file: the journal's file, which is made if it is missing.
        plan: everything that the result depends on.
    """

    def __init__(self, file: Path, plan: dict):
        self._file, self._plan = file, json.loads(json.dumps(plan))
        self._last = time.monotonic()
        plan_in_file, *blocks = read(file) or [self._plan]
        self.blocks: list[dict] = blocks
        """Finished blocks, as they were given to `add`, in order."""
        self.difference = _difference(plan_in_file, self._plan)
        """How the plan in the file differs, in words; the file stays so until `rewind`."""
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
        """Keep only the first `count` blocks, under the plan given to this object."""
        self.difference, self.blocks = "", self.blocks[:count]
        with files.whole_file(self._file) as temporary:
            temporary.write_text("".join(map(_line, [self._plan, *self.blocks])))

    @property
    def due(self) -> bool:
        """Whether SECONDS have passed since the last block was noted."""
        return self._since_last() >= SECONDS

    @property
    def seconds(self) -> float:
        """Duration of the work so far, the part before a kill included."""
        return sum(block["seconds"] for block in self.blocks) + self._since_last()

    def _since_last(self) -> float:
        return time.monotonic() - self._last


@contextlib.contextmanager
def folder(
    path: Path, plan: dict, on_difference: Callable[[str], None]
) -> Iterator[tuple[Path, Journal]]:
    """Yield a folder to write block by block, and its journal; it becomes `path` at the end.

    After an error or a kill the folder stays, and the next call yields it again.

    Args:
        path: the folder's name when it is finished.
        plan: everything that the folder's content depends on.
        on_difference: called when an unfinished folder of another plan is there, with the
            difference in words; unless it raises, that folder is cleared.
    """
    with files.whole_folder(path, keep=True) as temporary:
        journal = Journal(temporary / FILE, plan)
        if journal.difference:
            on_difference(journal.difference)
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


def read(file: Path) -> list[dict]:
    """The plan and the finished blocks, up to the first line that is not whole; the file stays."""
    entries: list[dict] = []
    for line in file.read_bytes().splitlines() if file.exists() else ():
        digest, _, text = line.partition(b" ")
        if digest.decode(errors="replace") != _digest(text):
            break
        entries.append(json.loads(text))
    return entries


def _difference(in_file: dict, wanted: dict) -> str:
    """How two plans differ, such as `seed 1; this one has seed 2`; empty if they are equal."""
    keys = [key for key in in_file | wanted if in_file.get(key) != wanted.get(key)]

    def in_words(plan: dict) -> str:
        return ", ".join(f"{key.replace('_', ' ')} {plan.get(key)}" for key in keys)

    return f"{in_words(in_file)}; this one has {in_words(wanted)}" if keys else ""
