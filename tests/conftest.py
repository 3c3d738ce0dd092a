"""Which fixtures the tests share, and the order in which they run."""

import gc
import sys

import pytest

from sentiment.base import warm_start

pytest_plugins = [
    "helpers.samples",
    "helpers.serving",
    "helpers.dogs",
    "helpers.proxy",
    "helpers.stopped_preparation",
    "helpers.drawn_font",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills",
        type=int,
        default=4,
        help="number of processes to kill in test_stopped_training.py",
    )


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # of pytest-xdist: many tests are to come
        warm_start.launched()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Free a slow test's models, which refer to themselves, before the next test takes memory."""
    if item.get_closest_marker("slow") and "keras" in sys.modules:
        gc.collect()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests of a group first, then the other slow tests, then the quick ones.

    A group keeps one worker busy for minutes: begun last, it would let the others wait.
    """
    items.sort(
        key=lambda item: (
            item.get_closest_marker("xdist_group") is None,
            item.get_closest_marker("slow") is None,
        )
    )
