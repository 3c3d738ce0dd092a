"""Which fixtures the tests share, and the order in which they run."""

import pytest

pytest_plugins = ["helpers.samples", "helpers.serving", "helpers.stopped_preparation"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=4, help="processes to kill in test_faults.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the tests of a group, which keep one worker busy for minutes, end with quick ones.

    So neither worker has long to wait for the other at the end.
    """
    items.sort(
        key=lambda item: (
            item.get_closest_marker("xdist_group") is None,
            item.get_closest_marker("slow") is None,
        )
    )
