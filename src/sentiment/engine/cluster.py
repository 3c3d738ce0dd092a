"""Several processes that train or predict as one, on JAX's runtime: joining, agreeing, ending.

All run the same program in step. Only the first writes files; what it alone knows it tells.
"""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from sentiment.base import cli, signals
from sentiment.base.errors import UserError

if TYPE_CHECKING:
    import numpy as np

SECONDS_TO_MEET = 120
"""How long a process waits for the others to start."""

SECONDS_OF_SILENCE = 60
"""After which a process counts as lost, whose connection has not broken before."""

WORKER = "SENTIMENT_CLUSTER_WORKER"
"""In the environment of a process that works for another: a file that ends with that one."""

NOISE = re.compile(r"[IWEF]\d{4} .* (coordination_service\w*\.cc|client\.h):")
"""How the lines begin in which JAX's runtime tells of processes that are gone."""

FATAL, MEETING = "JAX distributed service detected fatal errors", "RegisterTask"
"""Among them: it ends this process; that was while it waited for the others to start."""

BROKEN = re.compile(r"\b(Gloo|NCCL|coordination service)\b", re.IGNORECASE)
"""What JAX's errors about the others have in them."""

LOST = (
    "another process of this run has ended or is not reached any more; give all the same commands "
    "again: they go on where this was"
)

_count, _number = 1, 0
"""Processes of this run, and which of them this is."""


def _environment(variable: str, kind: type) -> object:
    """A dataclass' field whose default stands in the environment."""

    def read() -> object:
        text = os.environ.get(variable)
        try:
            return None if text is None else kind(text)
        except ValueError:
            raise UserError(f"{variable}={text}: expected a number") from None

    return field(default_factory=read)


@dataclass(frozen=True)
class Cluster:
    """Which of several processes this is; they run the same command and see the same folders.

    Raises:
        UserError: the flags do not fit each other.
    """

    coordinator: str | None = _environment("JAX_COORDINATOR_ADDRESS", str)
    """HOST:PORT at which the first of several processes, which all see the same folders, is
    reached by the others; auto: as Slurm or MPI have it. Needs KERAS_BACKEND=jax."""
    num_processes: int | None = _environment("JAX_NUM_PROCESSES", int)
    """How many there are."""
    process_id: int | None = _environment("JAX_PROCESS_ID", int)
    """Which of them this is, from 0."""

    def __post_init__(self) -> None:
        count, number = self.num_processes, self.process_id
        if not self.several:
            if count is not None or number is not None:
                raise UserError("--num-processes and --process-id need --coordinator HOST:PORT")
        elif self.coordinator != "auto":
            if not re.fullmatch(r".+:\d+", self.coordinator):
                raise UserError(f"--coordinator {self.coordinator}: expected HOST:PORT, or auto")
            if count is None or number is None:
                raise UserError("--coordinator HOST:PORT needs --num-processes and --process-id")
            if not 0 <= number < count:
                raise UserError(f"--process-id {number}: expected 0 to {count - 1}")

    @property
    def several(self) -> bool:
        """Whether there are other processes."""
        return self.coordinator is not None


def run(cluster: Cluster, work: Callable[[], None]) -> None:
    """Do the work; as one of several processes in a child, and say in a line what ended it.

    When another process is gone, JAX ends this one from within, with pages of C++.

    Raises:
        UserError: the processes did not meet, or one was lost.
    """
    if not cluster.several:
        work()
    elif WORKER in os.environ:
        _work(work)
    else:
        _supervise(cluster)


def _supervise(cluster: Cluster) -> NoReturn:
    ends_with_us, _ours = os.pipe()
    with subprocess.Popen(
        [sys.executable, *sys.orig_argv[1:]],
        env=os.environ | {WORKER: str(ends_with_us)},
        pass_fds=[ends_with_us],
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,  # or the terminal would send it Ctrl-C too
    ) as process, signals.handed_on_to(process):  # fmt: skip
        noise = "".join(_noise(process.stderr))
    if process.returncode == -signal.SIGABRT and FATAL in noise:
        if MEETING not in noise:
            raise UserError(LOST)
        raise UserError(
            f"--coordinator {cluster.coordinator}: the processes did not meet within "
            f"{SECONDS_TO_MEET} s; is each of them started once, with the same --coordinator and "
            "--num-processes, and is the first one's machine reached there?"
        )
    sys.stderr.write(noise)
    sys.exit(process.returncode if process.returncode >= 0 else 128 - process.returncode)


def _noise(lines: Iterable[str]) -> list[str]:
    """Hand lines on to standard error, and return those of JAX's that no words replaced."""
    noise: list[str] = []
    for line in lines:
        if line.startswith("error: "):
            noise.clear()
        elif noise or NOISE.match(line):
            noise.append(line)
            continue
        sys.stderr.write(line)
        sys.stderr.flush()
    return noise


def _work(work: Callable[[], None]) -> None:
    """Do it; after an error leave at once, where JAX would wait for the others."""
    supervisor = int(os.environ[WORKER])

    def end_with_it() -> None:
        os.read(supervisor, 1)
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()
    try:
        with cli.command():
            try:
                work()
            except Exception as error:
                if BROKEN.search(str(error)):
                    raise UserError(LOST) from error
                raise
            return
    except SystemExit as ended:
        code = ended.code
    except Exception:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def join(cluster: Cluster) -> None:
    """Meet the other processes, before JAX looks at its devices.

    Raises:
        UserError: neither Slurm nor MPI tells of any.
    """
    global _count, _number
    import jax

    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM from us
    auto = cluster.coordinator == "auto"
    try:
        jax.distributed.initialize(
            None if auto else cluster.coordinator,
            cluster.num_processes,
            cluster.process_id,
            initialization_timeout=SECONDS_TO_MEET,
            heartbeat_timeout_seconds=SECONDS_OF_SILENCE,
        )
    except ValueError as error:
        raise UserError(
            f"--coordinator {cluster.coordinator}: {error} Is this process one of Slurm's or MPI's?"
        ) from None
    _count, _number = jax.process_count(), jax.process_index()
    if not first():
        logging.getLogger("sentiment").setLevel(logging.WARNING)
        print(f"Process {_number} of {_count}; process 0 says what is done", flush=True)


def first() -> bool:
    """Whether this process writes and speaks."""
    return _number == 0


def count() -> int:
    """How many processes there are."""
    return _count


def told(value: int) -> int:
    """What the first process gives."""
    return int(_gathered(value)[0])


def largest(value: int) -> int:
    """Of what all give."""
    return int(_gathered(value).max())


def wait() -> None:
    """Wait until all are here."""
    _gathered(0)


def compare(plan: dict) -> None:
    """Go on if every process has the same plan, JSON.

    Raises:
        UserError: one has another.
    """
    text = json.dumps(plan).encode()
    padded = text.ljust(largest(len(text)))
    texts = _gathered(list(padded))
    first_one, *others = (json.loads(bytes(numbers.astype("uint8"))) for numbers in texts)
    for number, other in enumerate(others, 1):
        for name in first_one | other:
            if other.get(name) != first_one.get(name):
                raise UserError(
                    f"process {number} has {name} {other.get(name)}, process 0 has "
                    f"{first_one.get(name)}; give all processes the same command and data"
                )


def _gathered(value: int | list[int]) -> "np.ndarray":
    """The values of all processes, in their order; every one must come here."""
    import numpy as np

    if _count == 1:
        return np.array([value])
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(np.array(value, np.int32))
