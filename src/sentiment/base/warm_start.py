"""Scripts as processes that start at once: forked from one that has imported Keras.

Importing Keras and TensorFlow takes 4 to 6 s of a core, and some commands run twenty scripts. So a
process, the template, imports them once and starts nothing of them: no device, no thread pool, no
random numbers. Each script is forked from it, with signals, environment, output and memory of its
own. The template runs this file alone, and imports nothing else of this project.

A script is started as any other program where a fork is not safe: on other systems than Linux, and
where the libraries start threads or open a GPU while they are imported, as PyTorch does there.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

LIBRARIES = ("keras", "tyro", "rich.progress", "joblib")
"""What is imported before the fork; Keras imports its backend, SciPy, pandas and Matplotlib."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if sys.platform == "linux" else ()
"""Signals that a terminal or a scheduler sends to all processes. The template outlives them, and
ends when the process that started it has ended."""

GPUS = ("/dev/nvidia", "/dev/kfd")
"""How the names of the devices begin that CUDA and ROCm open."""

NUMBER = 4
"""Bytes in which a keeper tells a script's process number, and how it ended."""


_one_at_a_time = threading.Lock()


class Script:
    """A script in a process forked from the template, with what `subprocess.Popen` calls so.

    Raises:
        OSError: the template is gone, or no process can be forked.
    """

    def __init__(
        self,
        template: socket.socket,
        command: list[str],
        cwd: Path | None,
        env: Mapping[str, str],
        standard: list[int],
    ):
        self._keeper, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(template, [b"."], [theirs.fileno(), *standard])
        asked = {"command": command, "cwd": str(cwd or Path.cwd()), "environment": dict(env)}
        self._keeper.sendall(json.dumps(asked).encode() + b"\n")
        self.returncode: int | None = None
        if not (pid := self._keeper.recv(NUMBER)):
            raise ConnectionError(f"{command[1]}: no process could be forked")
        self.pid = int.from_bytes(pid)

    def __enter__(self) -> "Script":
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()

    def poll(self) -> int | None:
        """How it ended, as `wait` returns it; None where it has not."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return its status, or minus the number of the signal that ended it.

        Raises:
            subprocess.TimeoutExpired: it has not ended after `timeout` seconds.
        """
        if self.returncode is None:
            if timeout is not None and not select.select([self._keeper], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            with self._keeper:
                status = self._keeper.recv(NUMBER)
            self.returncode = int.from_bytes(status, signed=True) if status else -signal.SIGKILL
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start(
    command: list[str],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: IO[str] | None = None,
    stderr: IO[str] | None = None,
    stdin: int | None = None,
    warm: bool = True,
) -> subprocess.Popen | Script:
    """Start a Python script in a process group of its own, where the terminal sends no Ctrl-C.

    Libraries read some variables of the environment when they are imported, such as
    KERAS_BACKEND: those are of the process that starts the first script.

    Args:
        command: this Python, the script's path and its words. Other commands are no scripts.
        stdout, stderr: where its output goes; None is where this process' goes.
        stdin: descriptor of where its input comes from; None is where this process' comes from.
        warm: whether it may be forked; else it is a new process, whose memory is its own.
    """
    if warm and (connection := template(command)):
        standard = [stdin or 0, stdout.fileno() if stdout else 1, stderr.fileno() if stderr else 2]
        with contextlib.suppress(OSError):
            return Script(connection, command, cwd, os.environ if env is None else env, standard)
    return subprocess.Popen(
        command, process_group=0, cwd=cwd, env=env,
        stdin=stdin, stdout=stdout, stderr=stderr, text=True,
    )  # fmt: skip


def template(command: list[str]) -> socket.socket | None:
    """The connection to the template that can run a command, once it is ready; None if none can."""
    is_script = command[0] == sys.executable and command[1].endswith(".py")
    with _one_at_a_time:  # or two threads would wait for the one word that it says
        return _ready() if is_script else None


@functools.cache
def _ready() -> socket.socket | None:
    connection = launched()
    return connection if connection and connection.recv(1) else None


@functools.cache
def launched() -> socket.socket | None:
    """The connection to the template, which is started, and imports in the background."""
    if sys.platform != "linux":
        return None
    ours, theirs = socket.socketpair()
    atexit.register(ours.close)
    with theirs:
        subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            process_group=0,
            pass_fds=[theirs.fileno()],
            # Its scripts' texts are not held back, and TensorFlow notes no CPU features.
            env={"TF_CPP_MIN_LOG_LEVEL": "2"} | os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return ours


def _be_template(requests: socket.socket) -> None:
    """Import the libraries, then fork a process for each script, until the connection ends.

    Each has a keeper, which forks it and waits for it. This returns in the script's process too,
    once the script has ended, so that Python ends there as it always does.
    """
    sys.path.pop(0)  # this file's folder, whose files are no modules
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    for name in LIBRARIES:
        importlib.import_module(name)
    if not _may_fork():
        return
    gc.freeze()  # else collecting garbage, as at each end, copies all that was imported
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are not waited for
    requests.send(b".")
    while files := socket.recv_fds(requests, 1, 4)[1]:
        if not os.fork():
            requests.close()
            return _keep(*files, handlers=handlers)
        for file in files:
            os.close(file)
    os._exit(0)  # ending in order would take a second


def _may_fork() -> bool:
    """Whether the libraries have started no thread of Python and opened no GPU."""
    files = (file for file in Path("/proc/self/fd").iterdir() if file.is_symlink())
    opened = [str(file.readlink()) for file in files]
    return threading.active_count() == 1 and not any(name.startswith(GPUS) for name in opened)


def _keep(connection: int, *standard: int, handlers: Mapping) -> None:
    """Fork a script's process, wait for it, and tell its number and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=connection) as answers, answers.makefile() as request:
        asked = json.loads(request.readline())
        if pid := os.fork():
            for file in (*range(3), *standard):
                os.close(file)
            answers.send(pid.to_bytes(NUMBER))
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            answers.send(status.to_bytes(NUMBER, signed=True))
            os._exit(0)
    os.setpgid(0, 0)
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    _run(**asked)


def _run(command: list[str], cwd: str, environment: dict[str, str]) -> None:
    """Run a script in this process, as Python does."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv, sys.orig_argv = command[1:], command
    sys.path.insert(0, str(Path(command[1]).parent))
    runpy.run_path(command[1], run_name="__main__")


if __name__ == "__main__":
    _be_template(socket.socket(fileno=int(sys.argv[1])))
