"""A script that is forked from the template is the same as one that is started anew."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from helpers.scripts import SRC

from sentiment.base import signals, warm_start

PROBE = """
import atexit, json, os, signal, sys
names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGPIPE")
print(json.dumps({
    "words": [sys.argv, sys.orig_argv], "name": __name__, "file": __file__, "folder": os.getcwd(),
    "environment": dict(os.environ), "modules": sys.path[0], "leads": os.getpgid(0) == os.getpid(),
    "signals": [str(signal.getsignal(getattr(signal, name))) for name in names],
    "descriptors": sorted(os.listdir("/proc/self/fd"))[:3], "project": "sentiment" in sys.modules,
}))
atexit.register(print, "at the end")
print("for the screen", file=sys.stderr)
sys.exit(7)
"""

SAVES = """
import pathlib, signal, sys, time
def save(number, frame):
    time.sleep(0.5)
    pathlib.Path("saved").write_text(signal.Signals(number).name)
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
pathlib.Path("ready").touch()
time.sleep(30)
"""

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")


def wait_for(condition: object) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@needs_linux
def test_a_script_finds_what_it_finds_in_a_new_process(tmp_path: Path) -> None:
    script = tmp_path / "probe.py"
    script.write_text(PROBE)
    command = [sys.executable, str(script), "--word", "täglich"]
    environment = {"PATH": "/bin", "OWN": "wört", "LC_ALL": "C.UTF-8"}
    said = []
    for started in (warm_start.start, subprocess.Popen):
        with (tmp_path / "out").open("w+") as output, (tmp_path / "err").open("w+") as errors:
            options = {} if started is warm_start.start else {"process_group": 0}
            with started(
                command, cwd=tmp_path, env=environment, stdout=output, stderr=errors, **options
            ) as process:
                assert process.wait(60) == 7
            assert isinstance(process, warm_start.Script) == (started is warm_start.start)
        said.append([(tmp_path / name).read_text() for name in ("out", "err")])
    assert said[0] == said[1]
    assert json.loads(said[0][0].splitlines()[0])["leads"]


@needs_linux
def test_a_signal_is_handed_on_and_a_killed_script_says_so(tmp_path: Path) -> None:
    script = tmp_path / "saves.py"
    script.write_text(SAVES)
    command, obeyed = [sys.executable, str(script)], []
    before = signal.signal(signal.SIGTERM, lambda number, _: obeyed.append(number))
    try:

        def terminate() -> None:
            wait_for((tmp_path / "ready").exists)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=terminate).start()
        assert signals.run_script(command, cwd=tmp_path) == 143
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ((tmp_path / "saved").read_text(), obeyed) == ("SIGTERM", [signal.SIGTERM])
    process = warm_start.start(command, cwd=tmp_path)
    assert process.poll() is None
    process.kill()
    assert process.wait(60) == -signal.SIGKILL


def parent(tmp_path: Path, keras: str) -> subprocess.Popen:
    """A process that runs a script, where Keras is these lines; it says how, and waits."""
    (tmp_path / "keras.py").write_text(keras)
    (tmp_path / "script.py").touch()
    program = """if True:
        import sys
        from sentiment.base import warm_start
        with warm_start.start([sys.executable, "script.py"]) as process:
            pass
        print(type(process).__name__, process.returncode, flush=True)
        input()
    """
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{SRC}:{tmp_path}"},
    )


@needs_linux
def test_the_template_outlives_signals_and_not_its_parent(tmp_path: Path) -> None:
    with parent(tmp_path, "") as process:
        assert process.stdout.readline() == "Script 0\n"
        (template,) = psutil.Process(process.pid).children()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            template.send_signal(number)
        time.sleep(0.2)
        assert template.is_running()
        process.kill()
    wait_for(lambda: not template.is_running())


@needs_linux
def test_where_libraries_start_threads_or_are_missing_a_new_process_is_started(
    tmp_path: Path,
) -> None:
    thread = (
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    )
    for keras in (thread, "raise ImportError"):
        with parent(tmp_path, keras) as process:
            assert process.communicate("\n")[0] == "Popen 0\n"
