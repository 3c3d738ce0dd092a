"""The choice of the model to deploy."""

import re
from pathlib import Path

import numpy as np
import pytest
from helpers import report_files
from helpers.report_files import RUNS, probabilities, run, write_report, write_run


@pytest.mark.slow
def test_the_choice_gives_up_a_little_accuracy_for_less(tmp_path: Path) -> None:
    y_true = np.repeat([0, 1, 2], 100)
    for number, key in enumerate(RUNS):
        said = y_true.copy()
        said[: 30 - number // 2 - number % 2] = 1  # the dearest is the best, by a hair
        write_run(run(tmp_path, *key), y_true, probabilities(said), cost=1 + number // 2)
    page = write_report(tmp_path)
    shown = report_files.tables(page)["choice"]
    (chosen,) = [row for row in shown if row["chosen"] == "yes"]
    assert chosen["model"] == shown[1]["model"]  # of the cheapest network, the better way
    assert {row["in the best's interval"] for row in shown} == {"yes"}
    front = [row["model"] for row in shown if row["Pareto front"] == "yes"]
    assert front == [row["model"] for row in shown[1::2]]
    lead = re.search(r'<p class="lead">(.*?)</p>', page.read_text(), re.DOTALL).group(1)
    assert lead.startswith(f"Deploy {chosen['model']}: its accuracy 0.9033, 95 % interval")
    assert "takes 20.0 ms an image on this CPU and 10.0 MB of weights, instead of" in lead


def test_a_model_that_was_not_measured_is_not_in_the_choice(tmp_path: Path) -> None:
    y_true = np.arange(90) % 3
    for key in RUNS[:2]:
        write_run(run(tmp_path, *key), y_true, probabilities(y_true))
    run(tmp_path, *RUNS[0]).inference.unlink()
    page = write_report(tmp_path)
    (candidate,) = report_files.tables(page)["choice"]
    assert candidate["chosen"] == "yes"
    left_out = re.search("Not in the choice, for lack of a figure: (.*?), ", page.read_text())
    assert left_out.group(1).endswith(" FT-F") and left_out.group(1) != candidate["model"]


def test_a_model_no_better_than_the_commonest_class_is_not_recommended(tmp_path: Path) -> None:
    y_true = np.arange(90) % 3
    said = np.where(np.arange(90) < 35, y_true, (y_true + 1) % 3)
    write_run(run(tmp_path, *RUNS[0]), y_true, probabilities(said))
    text = write_report(tmp_path).read_text()
    words = "not better than always saying negative: 0.3333"
    assert re.search(f"No model can be recommended yet: the most accurate, .*, is {words}", text)
    assert f"95 % interval 0.2947 to 0.4922, n = 90 ({words}), and takes 20.0 ms" in text


def test_nothing_is_chosen_where_nothing_was_run(tmp_path: Path) -> None:
    page = write_report(tmp_path)
    assert "No choice yet" in page.read_text()
    assert "choice" not in report_files.tables(page)
