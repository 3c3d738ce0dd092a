"""Decoding by processes: the same pixels as one by one, and no process outlives what began it."""

import os
import signal
import subprocess
import sys

import numpy as np
import psutil
from helpers.scripts import SRC
from joblib import delayed

from sentiment.base.errors import BadImage
from sentiment.data.collections.collection import Photo
from sentiment.data.decoding import PHOTOS_OF_PROCESSES, THREADS, decode_files, decoded, decoders

PROCESSES = """
import os, time
from joblib import delayed
from sentiment.data.decoding import PHOTOS_OF_PROCESSES, THREADS, decoders
with decoders(THREADS + 1, None, PHOTOS_OF_PROCESSES) as pool:
    workers = set(pool(delayed(os.getpid)() for _ in range(50)))
    print(*workers, flush=True)
    time.sleep(60)
"""
"""Prints the numbers of the processes that decode, and waits."""


def test_processes_decode_as_one_by_one_in_the_photos_order(shared, tmp_path):
    photos = sorted((shared / "data" / "dogs").rglob("*.jpg"))[:30]
    (tmp_path / "damaged.jpg").write_bytes(photos[0].read_bytes()[:2000])
    photos[20:20] = [tmp_path / "damaged.jpg", tmp_path / "missing.jpg"]
    with decoders(THREADS + 1, None, PHOTOS_OF_PROCESSES) as pool:
        assert os.getpid() not in pool(delayed(os.getpid)() for _ in range(4))
        found = list(decoded(pool, tmp_path, [Photo(str(photo), 0) for photo in photos], 96))
    for image, expected in zip(found, decode_files(photos, 96), strict=True):
        if isinstance(expected, BadImage):
            assert str(image) == str(expected)
        else:
            np.testing.assert_array_equal(image, expected)


def test_processes_end_soon_after_what_began_them_is_killed():
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    command = [sys.executable, "-c", PROCESSES]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as began:
        workers = [psutil.Process(int(number)) for number in began.stdout.readline().split()]
        began.send_signal(signal.SIGKILL)
        assert workers
        assert not psutil.wait_procs(workers, timeout=20)[1]
