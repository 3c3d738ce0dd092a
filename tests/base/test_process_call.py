"""A function called in another process answers as it would here, and ends with who called it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from helpers.scripts import SRC

from sentiment.base.errors import UserError
from sentiment.base.process_call import ProcessCall
from sentiment.model import model_file

FILE = Path("model.keras")


def test_a_function_answers_from_another_process() -> None:
    with ProcessCall(FILE, os.getpid, warm=False) as call:
        assert call.answer() != os.getpid()
    with ProcessCall(FILE, pow, 3, 10**5, warm=False) as call:  # an answer of many bytes
        assert call.answer() == 3**10**5


def test_what_it_raises_is_raised_here(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_text("no model")
    with (
        ProcessCall(FILE, model_file.read_card, tmp_path / "model.keras", warm=False) as call,
        pytest.raises(UserError, match="not a model saved by these scripts"),
    ):
        call.answer()
    with (
        ProcessCall(FILE, int, "ten", warm=False) as call,
        pytest.raises(ValueError, match="ten") as raised,
    ):
        call.answer()
    assert "_be_called" in raised.value.__notes__[0]  # where in that process


def test_a_killed_process_is_a_line_that_names_the_file() -> None:
    with (
        ProcessCall(FILE, signal.raise_signal, signal.SIGKILL, warm=False) as call,
        pytest.raises(UserError, match=r"model\.keras: its process was killed"),
    ):
        call.answer()
    with (
        ProcessCall(FILE, os._exit, 3, warm=False) as call,
        pytest.raises(RuntimeError, match="ended with 3"),
    ):
        call.answer()


# Forked from a process that has imported this keras, and a new one.
@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_process_ends_with_its_caller(number: int, warm: bool, tmp_path: Path) -> None:
    (tmp_path / "keras.py").touch()
    program = f"""if True:
        import time
        from pathlib import Path
        from sentiment.base import cli
        from sentiment.base.process_call import ProcessCall
        with cli.command(), ProcessCall(Path("file"), time.sleep, 60, warm={warm}) as call:
            call.answer()
    """
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{SRC}:{tmp_path}"},
    ) as caller:
        asleep: list[psutil.Process] = []
        until = time.monotonic() + 30
        while not asleep:
            assert time.monotonic() < until
            time.sleep(0.1)
            begun = psutil.Process(caller.pid).children(recursive=True)
            asleep = [p for p in begun if p.num_threads() > 1]  # it watches its caller
        caller.send_signal(number)
        said, _ = caller.communicate(timeout=10)
    assert caller.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(number, -number)
    assert said == {
        signal.SIGINT: "\ninterrupted\n", signal.SIGTERM: "terminated by SIGTERM\n",
    }.get(number, "")  # fmt: skip
    _, alive = psutil.wait_procs(asleep, timeout=10)
    assert not alive
