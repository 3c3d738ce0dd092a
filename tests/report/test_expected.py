"""What is said of published figures: in a network's folder, and when the report is written."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.report_files import folders, probabilities, run, write_report, write_run
from helpers.scripts import NETWORKS, ROOT

from sentiment.report import expected, published
from sentiment.report.published_data import Data
from sentiment.runs import collect
from sentiment.runs.run_files import RunsWanted


@pytest.mark.parametrize("network", NETWORKS)
def test_a_networks_folder_says_its_reference_run_and_what_to_expect(network: str) -> None:
    text = importlib.import_module(f"{network}.architecture").__doc__ or ""
    scripts = re.findall(r"^    python (src/\S+)", text, re.MULTILINE)
    assert sorted(scripts) == sorted(
        str(file.relative_to(ROOT)) for file in ROOT.glob(f"src/{network}/*_train_*.py")
    )
    of_paper = ("vgg19", "all") if (network, "all") not in published.TEST_REPORT else None
    for figures in (
        published.TEST_REPORT | published.TEST_PAPER,
        published.TTD_REPORT[5] | published.TTD_PAPER[5],
        *published.TTD_SUCCESSOR.values(),
    ):
        for key, figure in figures.items():
            if key[0].partition("-")[0] == network or key == of_paper:
                assert f"{figure:.4g}" in text


def test_it_is_said_whether_figures_come_near_the_published_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sizes = {5: 30, 4: 45, 3: 60}  # of which write_result says that so many agree
    monkeypatch.setattr(published, "TTD_IMAGES", sizes)
    monkeypatch.setattr(published, "T4SA_IMAGES", {"test": 90})
    labels = np.arange(90) % 3
    said = np.where(np.arange(90) < 46, labels, (labels + 1) % 3)
    write_run(run(tmp_path, "vgg19", "all"), labels, probabilities(said))
    write_run(run(tmp_path, "efficientnetlite", "all"), labels, probabilities(said))
    with caplog.at_level("INFO"):
        write_report(tmp_path)
    lines = [line for line in caplog.messages if "of the published" in line]
    assert lines[0] == (
        "VGG19 FT-A, t4sa test split: 0.5111 is within the 95 % interval of the published 0.513 "
        "(paper), 0.4095 to 0.6118, n = 90"
    )
    assert len(lines) == 4  # nobody has published figures of the other network
    assert "at least 5 agree: 0.7333 is within" in lines[1] and "0.785 (paper)" in lines[1]
    published_on_ttd = {level: {("vgg19", "all"): 0.99} for level in sizes}
    monkeypatch.setattr(published, "TTD_PAPER", published_on_ttd)
    models = collect.trained_models(RunsWanted(), folders(tmp_path))
    part, whole = Data("t4sa", True, "a part"), Data("ttd", True)
    lines = list(expected.lines(models, part, whole))
    assert len(lines) == 3  # none of the test split
    assert all("is not within the 95 % interval of the published 0.99" in line for line in lines)
