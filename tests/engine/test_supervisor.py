"""The supervisor of one of several processes: what it hands on, and what it holds back."""

import pytest

from sentiment.engine import supervisor
from sentiment.engine.cluster import Cluster


def test_what_jax_says_of_lost_processes_gives_way_to_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [
        "a warning\n",
        "E1125 13:51:25.0 9 coordination_service.cc:1549] [1] Use error polling\n",
        "1\n",
        "F1125 13:51:25.0 9 client.h:80] Terminating process\n",
        "    @     0x7f8e\n",
    ]
    assert supervisor._hand_on(lines) == lines[1:]
    assert supervisor._hand_on([*lines, "error: in words\n"]) == []
    assert capsys.readouterr().err == "a warning\na warning\nerror: in words\n"


def test_one_process_alone_has_no_supervisor() -> None:
    done = []
    supervisor.supervise(Cluster(None, None, None), lambda: done.append(True))
    assert done == [True]
