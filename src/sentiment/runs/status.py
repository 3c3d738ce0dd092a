"""Says what is prepared, trained, running, stopped or failed, and which command goes on."""

import logging
import shlex
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentiment.base import cli
from sentiment.base.project import Folders

if TYPE_CHECKING:
    from sentiment.runs.work import Work

log = logging.getLogger(__name__)

WIDTH = 100
"""Columns of the table, at most."""

MOST_NAME = 40
"""Columns of a name; a longer one has a line of its own."""

SECONDS = 2
"""Seconds between two looks of --watch."""

CLEAR = "\033[H\033[2J"
"""Clears a terminal."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/status.py`."""

    watch: bool = False
    """Look again every two seconds, until Ctrl-C."""
    folders: Folders = field(default_factory=Folders)


@cli.command()
def main() -> None:
    """Run `scripts/status.py`."""
    status(cli.parse(Options))


def status(options: Options) -> None:
    """Print what there is; nothing is written, locked or removed."""
    while True:
        text = "\n".join(_lines(options.folders))
        log.info("%s%s", CLEAR if options.watch else "", text)
        if not options.watch:
            return
        time.sleep(SECONDS)


def _lines(folders: Folders) -> list[str]:
    """The whole table."""
    from sentiment.runs import work  # imports psutil and more, which --help does without

    parts = {
        f"Data in {folders.data_dir}": list(work.prepared(folders)),
        f"Models in {folders.models_dir}": list(work.trained(folders)),
        f"Sweeps in {folders.logs_dir}": list(work.sweeps(folders)),
    }
    lines = []
    for title, found in parts.items():
        if found:
            lines += [title, *_table(found)]
    return lines or [
        f"Nothing is in {folders.data_dir}, {folders.models_dir} or {folders.logs_dir}"
    ]


def _table(found: "Sequence[Work]") -> list[str]:
    """A line for each piece of work, its words wrapped, and the command that goes on below."""
    from sentiment.runs.work import in_bytes

    width = min(MOST_NAME, max(len(work.name) for work in found))
    states = max(len(work.state) for work in found)
    lines = []
    for work in found:
        if len(work.name) > width:
            lines.append(f"  {work.name}")
        name = "" if len(work.name) > width else work.name
        size = in_bytes(work.bytes) if work.bytes else ""
        head = f"  {name:<{width}}  {work.state:<{states}}  {size:>9}  "
        indent = " " * len(head)
        lines += textwrap.wrap(
            work.progress, WIDTH, initial_indent=head, subsequent_indent=indent,
            break_on_hyphens=False,
        )  # fmt: skip
        lines += _typed(work.command)
    return lines


def _typed(command: str) -> list[str]:
    """A command on as many lines as it needs, as a shell reads it."""
    words = (shlex.quote(word).replace(" ", "\0") for word in shlex.split(command))
    parts = textwrap.wrap(
        " ".join(words), WIDTH - 10, break_long_words=False, break_on_hyphens=False
    )
    lines = [("      " if part is parts[0] else "        ") + part for part in parts]
    return " \\\n".join(lines).replace("\0", " ").splitlines()
