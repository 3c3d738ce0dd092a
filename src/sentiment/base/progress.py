"""Progress of long work over images: a bar in a terminal or notebook, lines elsewhere."""

import contextlib
import importlib.util
import logging
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 60


@contextlib.contextmanager
def progress(
    what: str, total: int, unit: str = "images", before: int = 0
) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the number of units that have just been done.

    Args:
        what: the work, as it is shown.
        total: units of the whole work.
        before: units that an earlier call has done.
    """
    console, spoken = Console(), log.isEnabledFor(logging.INFO)
    started = last = time.monotonic()
    done = before

    def advance(count: int) -> None:
        nonlocal done, last
        done += count
        now = time.monotonic()
        rate = (done - before) / (now - started)
        rated = per_second(rate, unit)
        bar.update(task, completed=done, rate=rated)
        if spoken and not console.is_terminal and now - last > SECONDS_BETWEEN_LINES:
            last = now
            left = f"{(total - done) / rate:,.0f} s left"
            print(f"{what}: {done:,} of {total:,}, {rated}, {left}", flush=True)

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    hidden = not ((spoken and console.is_terminal) or _in_notebook(console))
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(what, total=total, completed=before, rate="")
        yield advance


def _in_notebook(console: Console) -> bool:
    """Whether a bar can be shown in a notebook: rich needs ipywidgets for it."""
    return console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None


def per_second(rate: float, unit: str = "images") -> str:
    """A rate in words, such as `1,234 images/s` or `0.25 images/s`."""
    return f"{rate:,.0f} {unit}/s" if rate >= 10 else f"{rate:.2g} {unit}/s"


def hours_minutes_seconds(seconds: float) -> str:
    """A duration, rounded to seconds, such as 1:02:03."""

    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
