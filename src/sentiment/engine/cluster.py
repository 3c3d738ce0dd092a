"""Several processes that train or predict as one, on JAX's runtime: their flags and collectives.

All processes run the same program in step, and only the first one writes files. `from_first`,
`maximum`, `barrier` and `check_equal` are collectives: each returns when every process has called
it. So no collective stands behind a condition that may differ from process to process, such as
`is_first()`; what `from_first` returns is a condition that does not differ.
"""

import contextlib
import json
import logging
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from sentiment.base.errors import UserError

Context = TypeVar("Context")

SECONDS_TO_MEET = 120
"""How long a process waits for the others to start."""

SECONDS_OF_SILENCE = 60
"""A process that has been silent for so long counts as lost, even if its connection holds."""


def _number_in(variable: str) -> int | None:
    """The number in an environment variable; None if it is not set."""
    text = os.environ.get(variable)
    try:
        return None if text is None else int(text)
    except ValueError:
        raise UserError(f"{variable}={text}: expected a number") from None


@dataclass(frozen=True)
class Cluster:
    """Which of several processes this is; they run the same command and see the same folders.

    Raises:
        UserError: the flags do not fit each other.
    """

    coordinator: str | None = field(
        default_factory=lambda: os.environ.get("JAX_COORDINATOR_ADDRESS")
    )
    """HOST:PORT at which the first of several processes, which all see the same folders, is
    reached by the others; auto: as Slurm or MPI have it. Needs KERAS_BACKEND=jax."""
    num_processes: int | None = field(default_factory=lambda: _number_in("JAX_NUM_PROCESSES"))
    """How many processes there are."""
    process_id: int | None = field(default_factory=lambda: _number_in("JAX_PROCESS_ID"))
    """Number of this process, from 0."""

    def __post_init__(self) -> None:
        count, number = self.num_processes, self.process_id
        if self.coordinator is None:
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


@dataclass(frozen=True)
class _Process:
    """This process's number, from 0, and how many processes there are."""

    number: int = 0
    count: int = 1


_this = _Process()
"""Changed once, by `join`."""


def join(cluster: Cluster) -> None:
    """Meet the other processes, before JAX looks at its devices.

    Raises:
        UserError: neither Slurm nor MPI tells of any.
    """
    global _this
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
    _this = _Process(jax.process_index(), jax.process_count())
    if not is_first():
        logging.getLogger("sentiment").setLevel(logging.WARNING)
        print(f"Process {_this.number} of {count()}; process 0 says what is done", flush=True)


def is_first() -> bool:
    """Whether this process is the one that writes files and says what is done."""
    return _this.number == 0


def count() -> int:
    """How many processes there are."""
    return _this.count


def on_first(
    make: Callable[[], AbstractContextManager[Context]],
) -> AbstractContextManager[Context | None]:
    """The context manager that `make` returns, on the first process; no collective.

    On the others one that yields None and does nothing.
    """
    return make() if is_first() else contextlib.nullcontext()


def from_first(make: Callable[[], int]) -> int:
    """Call `make` on the first process alone, and return its answer on every process.

    Args:
        make: returns a bool, or an int of 32 bits; calls no collective. An error that it raises
            ends the first process, and so the others.
    """
    return int(_gathered(make() if is_first() else 0)[0])


def maximum(value: int) -> int:
    """The largest of the values that the processes give, ints of 32 bits."""
    return int(_gathered(value).max())


def barrier() -> None:
    """Wait until every process is here."""
    _gathered(0)


def check_equal(plan: dict) -> None:
    """Compare what the processes are about to do.

    Args:
        plan: JSON.

    Raises:
        UserError: a process has another plan than the first.
    """
    text = json.dumps(plan).encode()
    padded = text.ljust(maximum(len(text)))
    plans = [json.loads(bytes(row.astype(np.uint8))) for row in _gathered(list(padded))]
    first = plans[0]
    for number, gathered in enumerate(plans):
        for name in first | gathered:
            if gathered.get(name) != first.get(name):
                raise UserError(
                    f"process {number} has {name} {gathered.get(name)}, process 0 has "
                    f"{first.get(name)}; give all processes the same command and data"
                )


def _gathered(value: int | list[int]) -> np.ndarray:
    """The values of all processes, int32, a row a process."""
    if count() == 1:
        return np.array([value])
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(np.array(value, np.int32))
