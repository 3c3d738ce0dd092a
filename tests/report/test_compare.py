"""The command that compares results of the same images."""

from pathlib import Path

import numpy as np
import pytest
from helpers import report_files
from helpers.scripts import refusal, succeed


@pytest.mark.slow
def test_results_are_compared_by_one_command(tmp_path: Path) -> None:
    y_true, files = np.arange(200) % 3, []
    for name, right in {"worse": 100, "better": 130}.items():
        said = np.where(np.arange(200) < right, y_true, (y_true + 1) % 3)
        files.append(tmp_path / name / "fc_layers_vgg19_result.npz")
        report_files.write_result(files[-1], y_true, report_files.probabilities(said))
    said = succeed("scripts/compare.py", *files)
    assert "better/fc_layers_vgg19: accuracy 0.6500, 95 % interval" in said
    assert "n = 200; always saying negative: 0.3350; balanced accuracy 0.6500" in said
    row = next(line for line in said.splitlines() if line.endswith("yes"))
    assert row.split()[2:6] == ["200", "0", "30", "-0.1500"]


def test_one_result_is_not_enough(tmp_path: Path) -> None:
    file = tmp_path / "fc_layers_vgg19_result.npz"
    assert "expected two results or more" in refusal("scripts/compare.py", file, file)
