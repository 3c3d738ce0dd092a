"""One of several processes, run as a child, so that one line tells what ended it.

When another process of the cluster is gone, JAX's runtime ends this one from within and prints
pages of C++. The parent holds those lines back and says in words what they mean.
"""

import contextlib
import functools
import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from sentiment.base import cli, signals
from sentiment.base.errors import UserError
from sentiment.engine.cluster import SECONDS_TO_MEET, Cluster

WORKER = "SENTIMENT_CLUSTER_WORKER"
"""Environment variable of a supervised child: the file descriptor of a pipe that the parent holds
open for as long as it lives."""

RUNTIME_LINE = re.compile(r"[IWEF]\d{4} .* (coordination_service\w*\.cc|client\.h):")
"""How a line begins in which JAX's runtime tells of processes that are gone."""

FATAL, MEETING = "JAX distributed service detected fatal errors", "RegisterTask"
"""Words in the runtime's lines: that it ends this process, and that it was waiting to meet."""

BROKEN = re.compile(r"\b(Gloo|NCCL|coordination service)\b", re.IGNORECASE)
"""Words in JAX's errors about other processes."""

LOST = (
    "another process of this run has ended or is not reached any more; give all the same commands "
    "again: they go on where this was"
)


def supervise(cluster: Cluster, work: Callable[[], None]) -> None:
    """Do the work; where there are several processes, in a child that runs the same command.

    Raises:
        UserError: the processes did not meet, or one was lost.
    """
    if not cluster.several:
        work()
    elif WORKER in os.environ:
        _work(work)
    else:
        _run_child(cluster)


def _run_child(cluster: Cluster) -> NoReturn:
    """Run this very command again, as the child that does the work, and end as it ends."""
    read_end, _write_end = os.pipe()  # the system closes the write end when this process ends
    start = functools.partial(
        subprocess.Popen,
        [sys.executable, *sys.orig_argv[1:]],
        env=os.environ | {WORKER: str(read_end)},
        pass_fds=[read_end],
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,  # or the terminal would send it Ctrl-C too
    )
    with signals.handing_on(start) as (child, _):
        held_back = "".join(_hand_on(child.stderr or ()))
    if child.returncode == -signal.SIGABRT and FATAL in held_back:
        raise UserError(_did_not_meet(cluster) if MEETING in held_back else LOST)
    sys.stderr.write(held_back)
    sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)


def _did_not_meet(cluster: Cluster) -> str:
    return (
        f"--coordinator {cluster.coordinator}: the processes did not meet within "
        f"{SECONDS_TO_MEET} s; is each of them started once, with the same --coordinator and "
        "--num-processes, and is the first one's machine reached there?"
    )


def _hand_on(lines: Iterable[str]) -> list[str]:
    """Write lines to standard error, all but those that begin with one of the runtime's.

    Returns:
        The lines held back; none if a line in words came after them.
    """
    held_back: list[str] = []
    for line in lines:
        if line.startswith("error: "):
            held_back.clear()
        elif held_back or RUNTIME_LINE.match(line):
            held_back.append(line)
            continue
        sys.stderr.write(line)
        sys.stderr.flush()
    return held_back


def _work(work: Callable[[], None]) -> None:
    """Do the work in the child; after an error leave at once, where JAX would wait for others."""
    signals.end_with(int(os.environ[WORKER]))
    try:
        with cli.command(), _lost_in_words():
            work()
        return
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except Exception:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextlib.contextmanager
def _lost_in_words() -> Iterator[None]:
    """Raise JAX's errors about other processes as a UserError."""
    try:
        yield
    except Exception as error:
        if BROKEN.search(str(error)):
            raise UserError(LOST) from error
        raise
