"""The report's page, from files made by hand, as a reader and a browser see it."""

import html
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import report_files
from helpers.frame_rates import measurement
from helpers.report_files import (
    RUNS,
    folders,
    probabilities,
    run,
    write_report,
    write_result,
    write_run,
)
from helpers.scripts import ROOT, lacking, refusal, succeed

from sentiment.runs import collect
from sentiment.runs.run_files import RunsWanted


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


def test_what_was_left_out_is_said_once(tmp_path: Path) -> None:
    y_true = np.array([0, 1, 2])
    for number, key in enumerate(RUNS):
        write_run(run(tmp_path, *key), y_true, probabilities(y_true))
        if number % 2:
            run(tmp_path, *key).manifest.write_text("{")
            run(tmp_path, *key).inference.unlink()
        else:
            run(tmp_path, *key).result("ttd").write_bytes(b"no result")
    models = collect.trained_models(RunsWanted(), folders(tmp_path))
    problems = [problem for model in models for problem in model.problems]
    assert len(problems) == len(RUNS)
    text = write_report(tmp_path).read_text()
    for problem in problems:
        assert text.count(f"<li>{html.escape(problem)}</li>".replace("&#x27;", "&#39;")) == 1
    assert text.count("unusable: <code>") > len(RUNS)


def test_every_section_that_is_shown_is_in_the_contents(tmp_path: Path, complete: Path) -> None:
    shown = []
    for page in (write_report(tmp_path), complete / "report.html"):
        text = page.read_text()
        contents = re.findall('<li><a href="#(.*?)">(.*?)</a></li>', text)
        assert contents == re.findall('<h2 id="(.*?)">(.*?)</h2>', text)
        shown.append(dict(contents))
    nothing, everything = shown
    assert list(nothing.values()) == [
        "Test accuracy", "TTD", "Training time", "Inference", "Load and memory", "Bytes on disk",
        "The runs",
    ]  # fmt: skip
    assert everything.keys() - nothing.keys() == {"the-choice", "curves", "mistakes"}


def test_a_wrong_percent_is_refused(tmp_path: Path) -> None:
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


def test_table_9_shows_what_devices_have_measured(tmp_path: Path) -> None:
    kept = folders(tmp_path).logs_dir / "t4sa" / "frame_rates"
    kept.mkdir(parents=True)
    for number, content in enumerate(
        (
            measurement(user_agent="B phone", backend="webgpu", threads=1),
            measurement(user_agent="A phone", isolated=False),
            measurement() | {"delivered": None, "dropped": None},
        )
    ):
        (kept / f"{number}.json").write_text(json.dumps(content))
    (kept / "damaged.json").write_text('{"frames": -1}')
    page = write_report(tmp_path)
    table = pd.read_csv(page.parent / "tables" / "table_9_frame_rates.csv")
    assert table["device"].tolist() == ["A phone", "A phone", "B phone"]
    assert table["results/s"].tolist() == [20, 20, 20]
    assert sorted(table["camera frames/s"].dropna()) == [25, 25]
    assert sorted(table["dropped %"].dropna()) == [20, 20]
    assert table["backend"].tolist() == ["wasm", "wasm", "webgpu"]
    text = html.unescape(page.read_text())
    assert "Table 9: frame rates by device and model" in text
    assert re.search(r"damaged\.json: no measurement of a frame rate \(\w+: ", text)
