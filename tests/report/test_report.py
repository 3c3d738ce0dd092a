"""The report, from files made by hand: right figures, or one clear line."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import report_files
from helpers.report_files import folders, probabilities, run, write_result, write_run
from helpers.scripts import NETWORKS, ROOT, lacking, refusal, succeed
from scipy.stats import binomtest
from sklearn.metrics import f1_score, roc_auc_score

from sentiment.report.report import Options, report
from sentiment.runs import collect, predictions, scores, significance
from sentiment.runs.run_files import RunsWanted

RUNS = [(network, layers) for network in NETWORKS for layers in ("fc", "all")]
N = 120


def write_report(work: Path, **wanted: object) -> Path:
    """Write the report of `work` without Keras; return its page."""
    report(Options(RunsWanted(**wanted), skip_explanations=True, folders=folders(work)))
    return work / "logs" / "t4sa" / "report" / "report.html"


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All models, each right on other photos, with probabilities of every size."""
    work = tmp_path_factory.mktemp("complete")
    random = np.random.default_rng(1)
    y_true = np.repeat([0, 1, 2], N // 3)
    for number, (network, layers) in enumerate(RUNS):
        y_prob = random.dirichlet([1, 1, 1], N).astype(np.float32)
        y_prob[np.arange(N), y_true] += 0.1 * number
        y_prob /= y_prob.sum(axis=1, keepdims=True)
        write_run(run(work, network, layers), y_true, y_prob, cost=1 + number // 2)
    write_report(work)
    return work / "logs" / "t4sa" / "report"


def arrays(folder: Path, key: tuple[str, str], tested_on: str) -> dict[str, np.ndarray]:
    file = run(folder.parents[2], *key).result(tested_on)
    with np.load(file, allow_pickle=False) as stored:
        return dict(stored)


def recomputed(y_true: np.ndarray, y_pred: np.ndarray, y_prob: np.ndarray) -> dict[str, float]:
    """Accuracy and the rest, by other means; the columns of y_prob are 0, 1, ..."""
    n, right, z = len(y_true), (y_true == y_pred).mean(), 1.959963984540054
    middle = (right + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(right * (1 - right) / n + z**2 / (4 * n**2))
    sure = y_prob.max(axis=1)
    bins = pd.Series(y_true == y_pred).groupby(pd.cut(sure, np.linspace(0, 1, 16)), observed=True)
    means = pd.Series(sure).groupby(pd.cut(sure, np.linspace(0, 1, 16)), observed=True).mean()
    two = y_prob.shape[1] == 2
    return {
        "n": n,
        "accuracy": right,
        "95 % low": middle - half,
        "95 % high": middle + half,
        "macro-F1": f1_score(y_true, y_pred, average="macro"),
        "AUC": roc_auc_score(y_true, y_prob[:, 1] if two else y_prob, multi_class="ovr"),
        "Brier": np.mean(((np.eye(y_prob.shape[1])[y_true] - y_prob) ** 2).sum(axis=1)),
        "ECE": ((bins.mean() - means).abs() * bins.size()).sum() / n,
    }


def test_every_score_can_be_computed_again(complete: Path) -> None:
    table = pd.read_csv(complete / "tables" / "table_2_test_accuracy.csv")
    on_ttd = pd.read_csv(complete / "tables" / "table_3_ttd_accuracy.csv")
    assert len(table) == len(RUNS)
    for number, key in enumerate(RUNS):
        own = arrays(complete, key, "t4sa")
        wanted = recomputed(own["y_true"], own["y_pred"], own["y_prob"].astype(float))
        for column, value in wanted.items():
            np.testing.assert_allclose(table[column][number], value, rtol=1e-6, err_msg=column)
        ttd = arrays(complete, key, "ttd")
        for level in (5, 4, 3):
            rows = ttd["agreement"] >= level
            two = ttd["y_prob"][rows][:, [0, 2]].astype(float)
            two /= two.sum(axis=1, keepdims=True)
            wanted = recomputed(ttd["y_true"][rows] // 2, ttd["y_pred"][rows] // 2, two)
            (shown,) = on_ttd[on_ttd["at least agree"] == level].iloc[[number]].to_dict("records")
            for column, value in wanted.items():
                np.testing.assert_allclose(shown[column], value, rtol=1e-6, err_msg=column)


def test_every_pair_can_be_computed_again(complete: Path) -> None:
    table = pd.read_csv(complete / "tables" / "test_pairs.csv")
    right = [
        (own["y_true"] == own["y_pred"]) for own in (arrays(complete, key, "t4sa") for key in RUNS)
    ]
    pairs = [(i, j) for i in range(len(RUNS)) for j in range(i + 1, len(RUNS))]
    p = []
    for (i, j), row in zip(pairs, table.to_dict("records"), strict=True):
        first, second = int((right[i] & ~right[j]).sum()), int((right[j] & ~right[i]).sum())
        assert (row["first alone right"], row["second alone right"]) == (first, second)
        assert row["difference"] == pytest.approx(right[i].mean() - right[j].mean())
        p.append(binomtest(first, first + second).pvalue if first + second else 1)
    np.testing.assert_allclose(table["McNemar p"], p)
    corrected, so_far = {}, 0.0
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        so_far = max(so_far, min(1, (len(p) - rank) * p[index]))
        corrected[index] = so_far
    np.testing.assert_allclose(table["Holm p"], [corrected[i] for i in range(len(p))])
    assert list(table["real"]) == ["yes" if corrected[i] < 0.05 else "no" for i in range(len(p))]


def test_costs_are_those_of_the_files(complete: Path) -> None:
    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(complete / "tables" / f"{name}.csv")

    cost = np.array([1 + number // 2 for number in range(len(RUNS))])
    time = read("table_4_training_time")
    np.testing.assert_allclose(time["seconds"], 7200 * cost + 600)
    assert time["h:mm"][0] == "2:10"
    np.testing.assert_allclose(time["ratio"], (7200 * cost + 600) / 7800)
    np.testing.assert_allclose(time["s an epoch"], 2400 * cost)
    np.testing.assert_allclose(time["images/s"], 3000 / (7200 * cost))
    np.testing.assert_allclose(time["waiting %"], 1)
    inference = read("table_5_inference")
    np.testing.assert_allclose(inference["p50 ms"], 20 * cost)
    np.testing.assert_allclose(inference["p95 ms"], 29 * cost)
    np.testing.assert_allclose(inference["sd ms"], np.std([10, 20, 30]) * cost)
    np.testing.assert_allclose(inference["15 images s"], 0.16 * cost)
    np.testing.assert_allclose(read("table_6_cpu_load")["ratio"], cost)
    np.testing.assert_allclose(read("table_7_memory")["ratio"], cost)
    assert set(read("table_7_memory")["peak RSS bytes"]) == {10**9 + 2}
    assert list(read("table_8_bytes")["weights alone"]) == list(10**7 * cost)


def test_the_page_shows_what_the_tables_hold(complete: Path) -> None:
    shown = report_files.tables(complete / "report.html")
    files = {file.stem for file in (complete / "tables").glob("*.csv")}
    assert set(shown) == files
    compared = 0
    for name, rows in shown.items():
        table = pd.read_csv(complete / "tables" / f"{name}.csv")
        markdown = (complete / "tables" / f"{name}.md").read_text()
        for row, figures in zip(rows, table.to_dict("records"), strict=True):
            for column, text in row.items():
                value = figures[column]
                if isinstance(value, int | float) and not pd.isna(value):
                    number = float(text.replace(",", ""))
                    digits = len(text.split(".")[1].split("e")[0]) if "." in text else 0
                    loose = 0.01 * abs(value) if "e" in text or " p" in column else 0
                    assert abs(number - value) <= 0.5001 * 10**-digits + 5 * loose, (name, column)
                    compared += 1
                assert f" {text} " in markdown or not text
    assert compared > 500


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


@pytest.mark.slow
def test_the_choice_gives_up_a_little_accuracy_for_less(tmp_path: Path) -> None:
    y_true = np.repeat([0, 1, 2], 100)
    for number, key in enumerate(RUNS):
        said = y_true.copy()
        said[: 30 - number] = 1  # the dearest is the best, by a hair
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


def test_known_p_values() -> None:
    def of(right: int, wrong: int) -> predictions.Predictions:
        y_true, n = np.zeros(right + wrong, int), right + wrong
        y_pred = np.repeat([0, 1], [right, wrong])
        paths = np.arange(n).astype(str)
        return predictions.Predictions(y_true, y_pred, np.eye(2)[y_pred], paths, y_true, ("a", "b"))

    one, other = of(10, 0), of(1, 9)
    (pair,) = significance.pairwise({"one": one, "other": other})
    assert pair.p == pair.p_holm == pytest.approx(2 / 2**9)
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert scores.scores(one).ece == 0
    assert scores.scores(other).brier == pytest.approx(1.8)


def as_objects(file: Path) -> None:
    write_result(file, np.arange(3), probabilities(np.arange(3)),
                 paths=np.array(["a", "b", "c"], dtype=object))  # fmt: skip


def not_numbers(file: Path) -> None:
    write_result(file, np.arange(3), np.full((3, 3), np.nan, np.float32))


def without_rows(file: Path) -> None:
    file.write_text(file.read_text().splitlines()[0] + "\n")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_damaged_files_cost_their_figures_and_one_line_each(tmp_path: Path) -> None:
    y_true = np.array([0, 1, 2])
    runs = [run(tmp_path, *key) for key in RUNS]
    for one in runs:
        write_run(one, y_true, probabilities(y_true))
    damage = {
        runs[0].result("t4sa"): cut,
        runs[1].result("t4sa"): as_objects,
        runs[2].result("t4sa"): not_numbers,
        runs[2].manifest: cut,
        runs[3].inference: cut,
        runs[4].history: lambda file: file.write_bytes(b"\x00\xff,\n"),
        runs[4].resources: lambda file: file.write_text("seconds\n1\n"),
        runs[4].result("ttd"): Path.unlink,
        runs[5].manifest: Path.unlink,
    }
    for file, spoil in damage.items():
        spoil(file)
    without_rows(runs[0].resources)
    text = write_report(tmp_path).read_text()
    for file, spoil in damage.items():
        lines = re.findall(f"<li>{file}: .*?</li>", text)
        assert len(lines) == (spoil is not Path.unlink), (file, lines)
    models = collect.trained_models(RunsWanted(), folders(tmp_path))
    assert [sorted(m.states) for m in models[:6]] == [
        ["own", "resources"], ["own"], ["history", "own", "resources", "training"], ["inference"],
        ["history", "resources", "ttd"], ["history", "resources", "training"],
    ]  # fmt: skip


def test_what_is_not_run_has_its_command(tmp_path: Path) -> None:
    """Also: a run on a part is marked, and its data are named as a stand-in."""
    y_true = np.array([0, 1, 2])
    write_run(run(tmp_path, "mobilenet", "fc", percent=10), y_true, probabilities(y_true))
    page = write_report(tmp_path)
    text = page.read_text()
    assert "test 3 of 51,000 images" in text
    rows = {row["model"]: row for row in report_files.tables(page)["table_2_test_accuracy"]}
    assert rows["MobileNetV2 FT-F (10 %)"]["n"] == "3"
    row = rows["VGG19 FT-A (10 %)"]
    assert row["ECE"] == (
        "not run: ipython src/vgg19/all_layer_train_caffe_vgg19.py -- --dataset t4sa --percent 10, "
        "then ipython src/vgg19/result_predict_all_layer_train_caffe_vgg19.py -- --dataset t4sa "
        "--percent 10"
    )
    assert row["report"] == "0.5102"
    other = report_files.tables(write_report(tmp_path, percent=20))["table_2_test_accuracy"]
    assert all(any(cell.startswith("not run") for cell in row.values()) for row in other)


def test_nothing_was_run(tmp_path: Path) -> None:
    text = write_report(tmp_path).read_text()
    assert "No choice yet" in text
    line = refusal("scripts/report.py", "--percent", 0, "--logs-dir", tmp_path)
    assert "--percent 0: expected more than 0" in line


def test_different_images_are_not_compared(tmp_path: Path) -> None:
    y_true = np.array([0, 1, 2])
    for key in RUNS[:2]:
        write_run(run(tmp_path, *key), y_true, probabilities(y_true))
    paths = np.array(["x", "y", "z"])
    write_result(run(tmp_path, *RUNS[1]).result("t4sa"), y_true, probabilities(y_true), paths=paths)
    page = write_report(tmp_path)
    assert "did not predict the same images" in page.read_text()
    assert "test_pairs" not in report_files.tables(page)


def test_a_later_run_that_failed_leaves_the_models_figures(tmp_path: Path) -> None:
    import zipfile

    y_true = np.array([0, 1, 2])
    of = run(tmp_path, *RUNS[0])
    write_run(of, y_true, probabilities(y_true))
    manifest = json.loads(of.manifest.read_text())
    with zipfile.ZipFile(of.model, "w") as archive:
        archive.writestr("run.json", json.dumps(manifest))
    later = {"status": "failed", "error": "no memory", "start": "2026-02-02T00:00:00+00:00"}
    of.manifest.write_text(json.dumps(later))
    page = write_report(tmp_path)
    shown = report_files.tables(page)
    assert shown["table_4_training_time"][0]["seconds"] == "7,800.0"
    load = shown["table_6_cpu_load"][0].values()
    assert any(cell.startswith("of a later run") for cell in load)
    assert "failed (no memory); its history and resources are left out" in page.read_text()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_browser_shows_the_page(width: int, complete: Path) -> None:
    from playwright import sync_api

    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        lacking("no chromium")
    asked, said = [], []
    with sync_api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((complete / "report.html").as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth")
        pictures = page.eval_on_selector_all(
            "img", "all => all.map(i => [i.alt, i.complete && i.naturalWidth > 0])"
        )
        targets = page.eval_on_selector_all(
            "nav a", "all => all.map(a => !!document.querySelector(a.getAttribute('href')))"
        )
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        browser.close()
    assert wide <= width
    assert not said
    assert [url for url in asked if not url.startswith("data:")] == [
        (complete / "report.html").as_uri()
    ]
    assert len(pictures) == 7
    assert all(alternative and loaded for alternative, loaded in pictures)
    assert targets
    assert all(targets)
    assert background == "rgb(20, 22, 28)"


def test_pictures_are_files_too(complete: Path) -> None:
    names = {file.stem for file in (complete / "pictures").glob("*.png")}
    assert names == {file.stem for file in (complete / "pictures").glob("*.svg")}
    assert names >= {"choice", "test_accuracy", "ttd_accuracy", "learning_curves", "confusion"}


@pytest.mark.parametrize("script", ["report.py", "measure_inference.py", "run_all.py"])
def test_help_is_quick_and_shows_the_command(script: str, tmp_path: Path) -> None:
    for name in ("tensorflow", "keras", "jax", "torch", "pandas", "matplotlib", "sklearn"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a library was loaded')")
    assert script in succeed(ROOT / "scripts" / script, "--help", PYTHONPATH=str(tmp_path))


def test_measuring_without_a_model_says_what_makes_one(real_data: Path, tmp_path: Path) -> None:
    where = ["--data-dir", real_data, "--logs-dir", tmp_path, "--models-dir", tmp_path]
    assert "run_all.sh" in refusal("scripts/measure_inference.py", *where)
    line = refusal("scripts/measure_inference.py", *where, "--threads", 9999)
    assert "--threads 9999: expected 1 to" in line
