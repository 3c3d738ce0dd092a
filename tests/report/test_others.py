"""Models that were not trained here stand in the report beside those that were."""

from pathlib import Path

import numpy as np
import pytest
from helpers import report_files
from helpers.report_files import folders, probabilities, run, write_report, write_result, write_run

from sentiment.model import model_file
from sentiment.report.report import Options, report
from sentiment.runs.run_files import Run, RunsWanted, TrainingData

IMPORTED = {"imported": np.array(True)}

LABELS = np.arange(90) % 3


def answers(right: int) -> np.ndarray:
    """Probabilities for the photos of LABELS, of which the first ones are right."""
    return probabilities(np.where(np.arange(len(LABELS)) < right, LABELS, (LABELS + 1) % 3))


def of_paper(work: Path) -> Run:
    return Run("vgg19", "all", TrainingData("paper"), folders(work))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Files of a model that was trained here, an imported model and imported predictions."""
    write_run(run(tmp_path, "mobilenet", "fc"), LABELS, answers(80))
    for file, right in {
        of_paper(tmp_path).result("t4sa"): 60,
        tmp_path / "models" / "theirs" / "predictions_on_t4sa_result.npz": 80,
    }.items():
        write_result(file, LABELS, answers(right), **IMPORTED)
    return tmp_path


def test_they_have_rows_and_are_compared_on_the_same_photos(work: Path) -> None:
    tables = report_files.tables(write_report(work))
    rows = {row["model"]: row for row in tables["table_2_test_accuracy"]}
    assert rows["VGG19 FT-A of paper"]["accuracy"] == f"{60 / 90:.4f}"
    assert rows["VGG19 FT-A of paper"]["paper"] == "0.5130"
    assert rows["theirs"]["accuracy"] == f"{80 / 90:.4f}"
    pairs = {(row["first"], row["second"]): row for row in tables["test_pairs"]}
    ours = "MobileNetV2 FT-F"
    assert pairs.keys() == {
        (ours, "VGG19 FT-A of paper"), (ours, "theirs"), ("VGG19 FT-A of paper", "theirs")
    }  # fmt: skip
    assert pairs[ours, "VGG19 FT-A of paper"]["first alone right"] == "20"
    assert pairs[ours, "theirs"]["McNemar p"] == "1"


def test_predictions_with_the_mirror_image_have_rows_of_their_own(work: Path) -> None:
    mirrored = {"flip_test": np.array(True)}
    ours = run(work, "mobilenet", "fc").result("t4sa", flip_test=True)
    write_result(ours, LABELS, answers(85), **mirrored)
    theirs = of_paper(work).result("t4sa", flip_test=True)
    write_result(theirs, LABELS, answers(65), **mirrored, **IMPORTED)
    page = write_report(work)
    tables = report_files.tables(page)
    rows = {row["model"]: row for row in tables["table_2_test_accuracy"]}
    assert rows["MobileNetV2 FT-F"]["accuracy"] == f"{80 / 90:.4f}"
    row = rows["MobileNetV2 FT-F, with the mirror image"]
    assert (row["accuracy"], row["report"]) == (f"{85 / 90:.4f}", "-")
    assert rows["VGG19 FT-A of paper, with the mirror image"]["accuracy"] == f"{65 / 90:.4f}"
    pairs = {(row["first"], row["second"]): row for row in tables["test_pairs"]}
    pair = pairs["MobileNetV2 FT-F", "MobileNetV2 FT-F, with the mirror image"]
    assert (pair["first alone right"], pair["second alone right"]) == ("0", "5")
    assert "which takes twice the time to predict" in page.read_text()


def test_predictions_of_other_photos_are_left_out(work: Path) -> None:
    file = work / "models" / "theirs" / "predictions_on_t4sa_result.npz"
    write_result(file, LABELS[:30], answers(80)[:30], **IMPORTED)
    page = write_report(work)
    assert "theirs: predicted other images than the models here" in page.read_text()
    pairs = report_files.tables(page)["test_pairs"]
    assert [(row["first"], row["second"]) for row in pairs] == [
        ("MobileNetV2 FT-F", "VGG19 FT-A of paper")
    ]


def test_an_imported_model_has_a_report_of_its_own(work: Path) -> None:
    imported = of_paper(work)
    card = {"imported": {"file": "a.pth"}, "class_names": list(report_files.CLASSES)}
    model_file.add_card(imported.model, card)
    report(Options(RunsWanted("paper"), skip_explanations=True, folders=folders(work)))
    page = work / "logs" / "paper" / "report" / "report.html"
    tables = report_files.tables(page)
    (row,) = tables["table_2_test_accuracy"]
    assert (row["model"], row["accuracy"], row["paper"]) == ("VGG19 FT-A", "0.6667", "0.5130")
    (row,) = tables["table_4_training_time"]
    assert "imported" in row.values() and "src/vgg19" not in str(row)
    assert "Not there:" not in page.read_text()
