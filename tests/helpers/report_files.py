"""Files as runs leave them, made by hand so that the right figures are known."""

import csv
import html.parser
import json
from pathlib import Path

import numpy as np

from helpers.scripts import NETWORKS
from sentiment.base.project import Folders
from sentiment.report.report import Options, report
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import Run, RunsWanted, TrainingData

CLASSES = ("negative", "neutral", "positive")

RUNS = [(network, layers) for network in NETWORKS for layers in ("fc", "all")]
"""Every network both ways."""


def folders(work: Path) -> Folders:
    """The three folders of the scripts, all in one."""
    return Folders(work / "data", work / "logs", work / "models")


def run(work: Path, network: str, layers: str, percent: float = 100) -> Run:
    return Run(network, layers, TrainingData("t4sa", percent), folders(work))


def write_report(work: Path, **wanted: object) -> Path:
    """Write the report of `work` without Keras; return its page."""
    report(Options(RunsWanted(**wanted), skip_explanations=True, folders=folders(work)))
    return work / "logs" / "t4sa" / "report" / "report.html"


def predicted(y_true: np.ndarray, y_prob: np.ndarray) -> Predictions:
    """Predictions for as many images, which two models then have in common."""
    paths = np.array([f"data/{i}.jpg" for i in range(len(y_true))])
    agreement = np.zeros(len(y_true), np.int64)
    names = CLASSES[: y_prob.shape[1]]
    return Predictions(y_true, y_prob.argmax(axis=1), y_prob, paths, agreement, names)


def probabilities(said: np.ndarray, sure: float = 0.8) -> np.ndarray:
    """Probabilities of three classes, the rest shared by the two not said; float32 (n, 3)."""
    y_prob = np.full((len(said), 3), (1 - sure) / 2, np.float32)
    y_prob[np.arange(len(said)), said] = sure
    return y_prob


def write_result(file: Path, y_true: np.ndarray, y_prob: np.ndarray, **changed: object) -> None:
    """Write a result; without neutral photos it is one on TTD, on half of which five agree."""
    on_ttd = "on_ttd" in file.name and 1 not in y_true
    columns = [0, 2] if on_ttd else [*range(y_prob.shape[1])]
    n = len(y_true)
    agreed = 3 + (np.arange(n) % 4 >= 2) + (np.arange(n) % 4 >= 1)
    arrays = {
        "y_true": y_true.astype(np.int64),
        "y_pred": np.array(columns)[y_prob[:, columns].argmax(axis=1)],
        "y_prob": y_prob,
        "paths": np.array([f"data/{i}.jpg" for i in range(n)]),
        "agreement": (agreed if on_ttd else np.zeros(n)).astype(np.uint8),
        "class_names": np.array(CLASSES),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **(arrays | changed))


def write_run(of: Run, y_true: np.ndarray, y_prob: np.ndarray, cost: float = 1.0) -> None:
    """Write all that a run leaves but its model; `cost` scales times and bytes."""
    of.history.parent.mkdir(parents=True, exist_ok=True)
    manifest = {
        "status": "finished",
        "start": "2026-01-01T00:00:00+00:00",
        "percent": of.percent,
        "recipe": {"epochs": 3, "weights": "imagenet"},
        "training_seconds": 7200 * cost,
        "extraction_seconds": 600.0,
        "validation_seconds": 100.0,
        "waiting_seconds": 72 * cost,
        "best_epoch": 2,
        "last_epoch": 3,
        "train_images": 1000,
    }
    of.manifest.write_text(json.dumps(manifest))
    inference = {
        "model_start": manifest["start"], "threads": 2, "cpu": "a CPU", "machine": "a box",
        "measured": [{
            "format": "Keras", "peak_rss_bytes": 10**9, "weights_bytes": int(10**7 * cost),
            "milliseconds": {"1": [n * cost for n in (10, 20, 30)], "15": [150 * cost, 170 * cost]},
        }],
    }  # fmt: skip
    of.inference.write_text(json.dumps(inference))
    with of.history.open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"])
        table.writerows([[1, 1.2, 0.4, 1.1, 0.4, 9], [2, 0.9, 0.5, 1.0, 0.5, 9],
                         [3, 0.7, 0.6, 1.3, 0.45, 9]])  # fmt: skip
    with of.resources.open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["seconds", "cpu_percent", "cpu_percent_life", "rss_bytes", "vms_bytes",
                        "gpu_memory_bytes", "gpu_percent"])  # fmt: skip
        table.writerows([[s, 90, 80 * cost, 10**9 + s, 3 * 10**9 * cost, "", ""] for s in (1, 2)])
    write_result(of.result("t4sa"), y_true, y_prob)
    emotional = y_true != 1
    write_result(of.result("ttd"), y_true[emotional], y_prob[emotional])


class _Cells(html.parser.HTMLParser):
    """Rows of every table of a page, by the table's id."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        attributes = dict(attrs)
        if tag == "table":
            self._rows = self.tables[attributes["id"]] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._inside = True
            self._rows[-1] += [""] * int(attributes.get("colspan", 1))

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._rows[-1][-1] += data


def tables(page: Path) -> dict[str, list[dict[str, str]]]:
    """The page's tables by their ids, a row a dict; a wide cell's text is in its last column."""
    parser = _Cells()
    parser.feed(page.read_text())
    return {
        name: [dict(zip(head, row, strict=True)) for row in rows]
        for name, (head, *rows) in parser.tables.items()
    }
