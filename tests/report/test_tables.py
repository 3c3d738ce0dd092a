"""The report's tables: they hold what the files and the formulas give."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import report_files
from helpers.report_files import RUNS, probabilities, run, write_report, write_run

from sentiment.model.recipe import Recipe
from sentiment.report import runs_table
from sentiment.runs import predictions, scores, significance
from sentiment.runs.predictions import Predictions


def table(complete: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(complete / "tables" / f"{name}.csv")


def result(complete: Path, key: tuple[str, str], tested_on: str) -> Predictions:
    file = run(complete.parents[2], *key).result(tested_on)
    return predictions.read(file, all_classes=tested_on == "t4sa")


def columns(predicted: Predictions) -> dict[str, float]:
    """The scores of predictions, by column; tests/runs/test_scores.py proves the scores."""
    computed = scores.scores(predicted)
    low, high = computed.reached.accuracy.interval
    return {
        "n": len(predicted),
        "accuracy": computed.reached.accuracy.value,
        "95 % low": low,
        "95 % high": high,
        "commonest": computed.reached.commonest.share,
        "macro-F1": computed.macro_f1,
        "AUC": computed.auc,
        "Brier": computed.brier,
        "ECE": computed.ece,
    }


def test_the_accuracy_tables_hold_the_scores_of_every_model(complete: Path) -> None:
    on_test, on_ttd = (
        table(complete, "table_2_test_accuracy"),
        table(complete, "table_3_ttd_accuracy"),
    )
    assert len(on_test) == len(RUNS)
    for number, key in enumerate(RUNS):
        for column, value in columns(result(complete, key, "t4sa")).items():
            np.testing.assert_allclose(on_test[column][number], value, err_msg=column)
        for level in (5, 4, 3):
            shown = on_ttd[on_ttd["at least agree"] == level].iloc[number]
            for column, value in columns(result(complete, key, "ttd").agreed(level)).items():
                np.testing.assert_allclose(shown[column], value, err_msg=column)


def test_the_table_of_pairs_holds_every_comparison(complete: Path) -> None:
    """tests/runs/test_significance.py proves the comparisons."""
    models = {str(number): result(complete, key, "t4sa") for number, key in enumerate(RUNS)}
    rows = table(complete, "test_pairs").to_dict("records")
    for row, c in zip(rows, significance.pairwise(models), strict=True):
        assert (row["first alone right"], row["second alone right"]) == (
            c.only_first,
            c.only_second,
        )
        assert row["n"] == c.n
        assert row["difference"] == pytest.approx(c.difference)
        assert (row["95 % low"], row["95 % high"]) == pytest.approx(c.interval)
        assert (row["McNemar p"], row["Holm p"]) == pytest.approx((c.p, c.p_holm))
        assert row["real"] == ("yes" if c.real else "no")


def test_costs_are_those_of_the_files(complete: Path) -> None:
    cost = np.array([1 + number // 2 for number in range(len(RUNS))])
    time = table(complete, "table_4_training_time")
    np.testing.assert_allclose(time["seconds"], 7200 * cost + 600)
    assert time["h:mm"][0] == "2:10"
    np.testing.assert_allclose(time["ratio"], (7200 * cost + 600) / 7800)
    np.testing.assert_allclose(time["s an epoch"], 2400 * cost)
    np.testing.assert_allclose(time["images/s"], 3000 / (7200 * cost))
    np.testing.assert_allclose(time["waiting %"], 1)
    inference = table(complete, "table_5_inference")
    np.testing.assert_allclose(inference["p50 ms"], 20 * cost)
    np.testing.assert_allclose(inference["p95 ms"], 29 * cost)
    np.testing.assert_allclose(inference["sd ms"], np.std([10, 20, 30]) * cost)
    np.testing.assert_allclose(inference["15 images s"], 0.16 * cost)
    np.testing.assert_allclose(table(complete, "table_6_cpu_load")["ratio"], cost)
    memory = table(complete, "table_7_memory")
    np.testing.assert_allclose(memory["ratio"], cost)
    assert set(memory["peak RSS bytes"]) == {10**9 + 2}
    assert list(table(complete, "table_8_bytes")["weights alone"]) == list(10**7 * cost)


def test_others_figures_are_named_and_explained(complete: Path) -> None:
    text = (complete / "report.html").read_text()
    shown = report_files.tables(complete / "report.html")
    by_model = {row["model"]: row for row in shown["table_2_test_accuracy"]}
    assert by_model["VGG19 FT-F"]["report"] == "0.5042"
    assert by_model["VGG19 FT-A"]["paper"] == "0.5130"
    assert by_model["MobileNetV2 FT-A"]["paper"] == "-"
    assert "MobileNet v1" in text
    assert "five-agree subset (n = 882)" in text
    time = {row["model"]: row for row in shown["table_4_training_time"]}
    assert time["VGG19 FT-F"]["report h:mm"] == "49:27"
    ttd = [row for row in shown["table_3_ttd_accuracy"] if row["model"] == "InceptionResNetV2 FT-A"]
    assert [row["report"] for row in ttd] == ["0.7687", "-", "-"]  # the report has level 5 alone


def test_what_always_naming_the_commonest_class_reaches_stands_beside_accuracy(
    tmp_path: Path,
) -> None:
    """Five in eight are positive; one model is right of all, and one always says positive."""
    y_true = np.tile([0, 2, 2, 2, 0, 2, 0, 2], 10)
    always = np.full(len(y_true), 2)
    for key, said in ((RUNS[0], y_true), (RUNS[1], always)):
        write_run(run(tmp_path, *key), y_true, probabilities(said))
    page = write_report(tmp_path)
    shown, text = report_files.tables(page), page.read_text()
    for name in ("table_2_test_accuracy", "table_3_ttd_accuracy", "choice"):
        rows = [row for row in shown[name] if "not run" not in "".join(row.values())]
        at_5 = [row for row in rows if row.get("at least agree", "5") == "5"]
        assert {row["balanced"] for row in at_5} == {"1.0000", "0.5000"}
    assert {row["commonest"] for row in rows} == {"0.6250"}
    right, blind = (row["model"] for row in shown["choice"])
    assert f"Test split of t4sa: not better than always saying positive: 0.6250 ({blind})." in text
    at_4 = "At least 4 agree: not better than always saying positive: 0.8333"
    assert f"{at_4} ({blind})." in text and right != blind
    assert "at least 5 agree, always saying positive: 0.6587; at least 4 agree, always" in text
    for name in ("choice", "test_accuracy", "ttd_accuracy"):
        assert ">always saying positive<" in (page.parent / f"pictures/{name}.svg").read_text()
    for words in ("", f"{blind} 0.6250 (0.5155 to 0.7231), not better than "):
        assert f"{words}always saying positive: 0.6250" in text


def test_balanced_accuracy_is_left_out_where_classes_are_even(tmp_path: Path) -> None:
    y_true = np.arange(90) % 3
    write_run(run(tmp_path, *RUNS[0]), y_true, probabilities(y_true))
    shown = report_files.tables(write_report(tmp_path))
    for row in shown["table_2_test_accuracy"] + shown["choice"]:
        assert "commonest" in row and "balanced" not in row


@pytest.mark.slow
def test_six_identical_models_and_a_class_never_said(tmp_path: Path) -> None:
    y_true = np.array([0, 0, 1, 1, 2, 2])
    said = np.array([0, 0, 1, 1, 1, 1])
    for key in RUNS:
        write_run(run(tmp_path, *key), y_true, probabilities(said))
    shown = report_files.tables(write_report(tmp_path))
    assert {(row["McNemar p"], row["Holm p"]) for row in shown["test_pairs"]} == {("1", "1")}
    assert {row["accuracy"] for row in shown["table_2_test_accuracy"]} == {"0.6667"}
    assert {row["macro-F1"] for row in shown["table_2_test_accuracy"]} == {"0.5556"}  # 1, 2/3, 0
    assert {row["Brier"] for row in shown["table_2_test_accuracy"]} == {"0.5267"}
    assert sum(row["chosen"] == "yes" for row in shown["choice"]) == 1


def test_one_image_has_an_accuracy_and_no_auc(tmp_path: Path) -> None:
    y_true = np.array([2])
    write_run(run(tmp_path, *RUNS[0]), y_true, probabilities(y_true))
    page = write_report(tmp_path)
    row = report_files.tables(page)["table_2_test_accuracy"][0]
    assert (row["n"], row["accuracy"], row["AUC"]) == ("1", "1.0000", "-")
    assert (row["95 % low"], row["95 % high"]) == ("0.2065", "1.0000")


def test_what_is_not_run_has_its_command(tmp_path: Path) -> None:
    """Also: a run on a part is marked, and its data are named as a stand-in."""
    y_true = np.array([0, 1, 2])
    write_run(run(tmp_path, "mobilenet", "fc", percent=10), y_true, probabilities(y_true))
    page = write_report(tmp_path)
    assert "test 3 of 51,000 images" in page.read_text()
    rows = {row["model"]: row for row in report_files.tables(page)["table_2_test_accuracy"]}
    assert rows["MobileNetV2 FT-F (10 %)"]["n"] == "3"
    row = rows["VGG19 FT-A (10 %)"]
    commands = (
        "ipython src/vgg19/all_layer_train_caffe_vgg19.py -- --dataset t4sa --percent 10, "
        "then ipython src/vgg19/result_predict_all_layer_train_caffe_vgg19.py -- --dataset t4sa "
        "--percent 10"
    )
    assert row["ECE"] == f"not run: {commands}"
    assert row["report"] == "0.5102"
    written = table(page.parent, "table_2_test_accuracy").set_index("model")["to get it"]
    assert written["VGG19 FT-A (10 %)"] == f"not run; {commands}"
    assert pd.isna(written["MobileNetV2 FT-F (10 %)"])
    of_20 = report_files.tables(write_report(tmp_path, percent=20))
    for name in ("table_2_test_accuracy", "table_6_cpu_load", "table_7_memory"):
        for row in of_20[name]:
            assert any(cell.startswith("not run: ") for cell in row.values()), (name, row)


def test_published_figures_stand_in_their_columns_where_a_run_is_missing(tmp_path: Path) -> None:
    """Also where the first model is one of which nothing was published."""
    y_true = np.array([0, 1, 2])
    write_run(run(tmp_path, "efficientnetv2", "fc"), y_true, probabilities(y_true))
    shown = report_files.tables(write_report(tmp_path))["table_4_training_time"]
    time = {row["model"]: row["report h:mm"] for row in shown}
    assert time["EfficientNetV2-B0 FT-F"] == "-"
    assert time["VGG19 FT-F"] == "49:27"


def test_a_run_by_its_stated_recipe_has_no_changes() -> None:
    stated = Recipe(layers="fc")
    recipe = json.loads(json.dumps(dataclasses.asdict(stated)))
    assert runs_table._recipe_changes(recipe, stated) == "none"
    changed = recipe | {"augmentation": ["flip"], "weights": "/a/b.h5"}
    assert runs_table._recipe_changes(changed, stated) == "weights b.h5, augmentation flip"
