"""Learning rates by layer, and the updates that they make, on every backend."""

import sys

import pytest
from helpers import update_formulas
from helpers.scripts import ROOT, SRC, start


def test_updates_by_layer_are_the_formulas() -> None:
    update_formulas.check()


@pytest.mark.slow
@pytest.mark.parametrize("on", ["jax", "torch"])
def test_updates_by_layer_are_the_formulas_on_other_backends(on: str) -> None:
    settings = {"PYTHONPATH": f"{SRC}:{ROOT / 'tests'}", "KERAS_BACKEND": on}
    done = start(sys.executable, ROOT / "tests/helpers/update_formulas.py", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
