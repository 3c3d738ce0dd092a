"""Many photos decoded side by side, by threads, processes or the workers of a Dask cluster."""

import contextlib
import importlib
import itertools
import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentiment.base import project
from sentiment.base.errors import BadImage, UserError
from sentiment.data.collections.collection import Photo
from sentiment.data.decode import decode_file

if TYPE_CHECKING:
    from joblib import Parallel

log = logging.getLogger(__name__)

TASK, BLOCK = 8, 1024
"""Photos that a worker takes at a time, and photos under way: at 224 x 224 at most 154 MB of pixels
wait to be written. Between two blocks the finished photos may be noted."""

THREADS = 4
"""Most threads that decode: more of them wait for Python's lock, while processes do not."""

PHOTOS_OF_PROCESSES = 1000
"""Fewest photos that processes decode: starting them takes as long as decoding hundreds."""

# Where an error ends the work, joblib would say before it which photos it decoded in vain.
warnings.filterwarnings("ignore", "[0-9]+ tasks (have been successfully executed|which were still)")


def decoders(
    workers: int, scheduler: str | None, photos: int
) -> contextlib.AbstractContextManager["Parallel"]:
    """A pool that decodes photos for `decoded` during a block: threads, processes or a cluster.

    Args:
        workers: photos decoded at a time; -1 is one a core.
        scheduler: a Dask scheduler's address, HOST:PORT, or None for this machine.
        photos: about how many there are.

    Raises:
        UserError: when the block begins, if Dask is not installed, or the cluster is not reached,
            has no workers or does not find this library.
    """
    from joblib import Parallel, effective_n_jobs

    if scheduler:
        return _cluster(scheduler)
    if effective_n_jobs(workers) <= THREADS or photos < PHOTOS_OF_PROCESSES:
        # Pillow lets go of Python's lock while it decodes, so threads do, and share memory.
        return Parallel(workers, return_as="generator", prefer="threads")
    return Parallel(
        workers, return_as="generator", backend="loky",
        initializer=_end_with, initargs=(os.getpid(),),
    )  # fmt: skip


def _end_with(parent: int) -> None:
    """Let a worker end when its parent is gone, and not by Ctrl-C, which terminals send to both."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _cluster(scheduler: str) -> Iterator["Parallel"]:
    """Yield a pool of a Dask cluster's workers."""
    from joblib import Parallel, parallel_config

    try:
        from distributed import Client
    except ImportError:
        raise UserError('--scheduler: pip install "dask[distributed]" first') from None
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise UserError(f"--scheduler {scheduler}: no answer ({error})") from None
    with client:
        try:
            client.run_on_scheduler(importlib.import_module, __name__)
            answers = client.run(importlib.import_module, __name__)
        except ImportError:
            raise UserError(
                f"--scheduler {scheduler}: it and its workers do not find this library; "
                f"start them with PYTHONPATH={project.ROOT / 'src'}"
            ) from None
        if not answers:
            raise UserError(f"--scheduler {scheduler}: has no workers; start some")
        log.info("  %d workers of %s decode", len(answers), scheduler)
        with (
            parallel_config("dask", client=client),
            Parallel(-1, return_as="generator") as pool,
        ):
            yield pool


def decoded(
    pool: "Parallel", root: Path, photos: list[Photo], side: int
) -> Iterator[np.ndarray | BadImage]:
    """Decode photos.

    Args:
        pool: joblib's pool, as `decoders` yields it.
        root: folder that the photos' paths are relative to.
        photos: the photos to decode.
        side: width and height of their images.

    Yields:
        For each photo in turn its pixels, as `decode` returns them, or why it has none.
    """
    from joblib import delayed

    paths = [root / photo.path for photo in photos]
    tasks = (delayed(decode_files)(paths[i : i + TASK], side) for i in range(0, len(paths), TASK))
    return itertools.chain.from_iterable(pool(tasks))


def decode_files(paths: list[Path], side: int) -> list[np.ndarray | BadImage]:
    """Decode photos one after the other: the pixels of each, or why it has none."""
    images: list[np.ndarray | BadImage] = []
    for path in paths:
        try:
            images.append(decode_file(path, side))
        except BadImage as bad:
            images.append(bad)
    return images
