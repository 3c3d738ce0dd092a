"""A time budget: its alarm comes as a signal does, and gives way to one."""

import signal
import time

import pytest

from sentiment.base.errors import UserError
from sentiment.base.signals import Terminated, deferred, raise_on_termination
from sentiment.base.time_budget import BudgetSpent, TimeBudget


def work(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


def test_work_is_stopped_when_the_time_is_over_and_may_save_before() -> None:
    with pytest.raises(BudgetSpent), TimeBudget(0.002).limit():
        work(10)
    saved = False
    with pytest.raises(BudgetSpent), TimeBudget(0.002).limit(), deferred() as pending:
        work(0.3)
        saved = bool(pending)
        pending.act()
    assert saved
    with TimeBudget(0.002).limit(), deferred():
        pass  # it ended in time
    with TimeBudget().limit():
        assert TimeBudget().left == float("inf")
    with TimeBudget(0.005).limit():
        with pytest.raises(BudgetSpent):
            signal.raise_signal(signal.SIGALRM)  # another process's time is over
        work(0.4)
    work(0.2)  # no alarm is left


def test_sigterm_comes_before_the_alarm_and_neither_hurries_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second signal ends work at once, but an alarm is no person who does not want to wait."""
    monkeypatch.setattr("sentiment.base.signals.SECONDS_OF_ONE", 0.0)
    handler = signal.getsignal(signal.SIGTERM)
    raise_on_termination()
    try:
        for first, second in ((signal.SIGALRM, signal.SIGTERM), (signal.SIGTERM, signal.SIGALRM)):
            saved = False
            with pytest.raises(Terminated), TimeBudget(1).limit(), deferred():
                signal.raise_signal(first)
                work(0.02)
                signal.raise_signal(second)
                saved = True
            assert saved
    finally:
        signal.signal(signal.SIGTERM, handler)


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_no_time_is_refused(minutes: float) -> None:
    with pytest.raises(UserError, match=f"--max-minutes {minutes:g}: expected more than 0"):
        TimeBudget(minutes)
