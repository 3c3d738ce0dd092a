"""The report's Tables 2 to 8 and a few more, from what runs have left."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sentiment.report import published
from sentiment.report.choice import RULE, Choice
from sentiment.report.published_data import Data
from sentiment.report.table import TO_GET_IT, Table
from sentiment.runs.collect import TrainedModel
from sentiment.runs.run_files import BATCHES, Ending
from sentiment.runs.scores import DEFINITIONS, scores
from sentiment.runs.significance import LEVEL, Comparison

REPORT, PAPER, RERUN = "report", "paper", "paper rerun"
"""Columns with what others published; see `published`."""


def _fraction(value: float) -> str:
    return f"{value:.4f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _one_digit(value: float) -> str:
    return f"{value:,.1f}"


def _ratio(value: float) -> str:
    return f"{value:.3f}"


def hours_minutes(seconds: float) -> str:
    """Such as 49:27."""
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02}"


def test_accuracy(models: list[TrainedModel], data: Data) -> Table:
    """Table 2."""
    others = {
        REPORT: published.TEST_REPORT, PAPER: published.TEST_PAPER, RERUN: published.TEST_RERUN
    }  # fmt: skip
    rows = [
        {"model": m.name, **_scores(m.own), **_others(m, data, others), TO_GET_IT: m.missing("own")}
        for m in models
    ]
    notes = _notes(models, data, published.TEST_NOTE)
    return _table("table_2_test_accuracy", f"Table 2: test split of {data.name}", rows,
                  SCORE_FORMATS, [*notes, DEFINITIONS])  # fmt: skip


def ttd_accuracy(models: list[TrainedModel], data: Data) -> Table:
    """Table 3, at each level of agreement."""
    rows = []
    for level in published.TTD_IMAGES:
        others = {
            REPORT: published.TTD_REPORT.get(level, {}),
            PAPER: published.TTD_PAPER[level],
            RERUN: published.TTD_RERUN[level],
        }
        for m in models:
            agreed = m.ttd.agreed(level) if m.ttd is not None else None
            rows.append({
                "model": m.name, "at least agree": level, **_scores(agreed),
                **_others(m, data, others), TO_GET_IT: m.missing("ttd"),
            })  # fmt: skip
    best = ", ".join(f"{value} at {level}" for level, value in published.TTD_BEST_SINCE.items())
    notes = [
        "TTD has no neutral images: the neutral column is left out, the other two scaled to sum "
        "to 1, and all figures are of these two classes.",
        f"Best published since: {best} (ViT-L/16, cross-modal distillation, other labels).",
    ]
    return _table("table_3_ttd_accuracy", "Table 3: TTD by annotators that agree", rows,
                  SCORE_FORMATS, [*_notes(models, data, published.TTD_NOTE), *notes])  # fmt: skip


SCORE_FORMATS = {
    "n": _count,
    **dict.fromkeys(
        ("accuracy", "95 % low", "95 % high", "macro-F1", "AUC", "Brier", "ECE",
         REPORT, PAPER, RERUN), _fraction,
    ),
}  # fmt: skip


def _scores(predictions: object) -> dict[str, float | None]:
    columns = ("n", "accuracy", "95 % low", "95 % high", "macro-F1", "AUC", "Brier", "ECE")
    if predictions is None or not len(predictions):
        return dict.fromkeys(columns)
    reached = scores(predictions)
    figures = (
        reached.accuracy.n, reached.accuracy.value, *reached.accuracy.interval,
        reached.macro_f1, reached.auc, reached.brier, reached.ece,
    )  # fmt: skip
    return dict(zip(columns, figures, strict=True))


def pairs(name: str, title: str, comparisons: list[Comparison], data: Data) -> Table:
    """Every two models on the same images."""
    rows = [
        {
            "first": c.first,
            "second": c.second,
            "n": c.n,
            "first alone right": c.only_first,
            "second alone right": c.only_second,
            "difference": c.difference,
            "95 % low": c.interval[0],
            "95 % high": c.interval[1],
            "McNemar p": c.p,
            "Holm p": c.p_holm,
            "real": "yes" if c.real else "no",
        }
        for c in comparisons
    ]
    real = sum(c.real for c in comparisons)
    summary = (
        f"{real} of {len(comparisons)} differences are real: exact McNemar test on the images that "
        f"one of the two alone got right, Holm's correction for all pairs of this table, level "
        f"{LEVEL}. The intervals (Agresti and Min, 2005) are each for itself, not corrected."
    )
    formats = dict.fromkeys(("n", "first alone right", "second alone right"), _count)
    formats |= dict.fromkeys(("difference", "95 % low", "95 % high"), lambda v: f"{v:+.4f}")
    formats |= dict.fromkeys(("McNemar p", "Holm p"), lambda v: f"{v:.2g}")
    return _table(name, title, rows, formats, [*filter(None, [data.difference]), summary])


def training_time(models: list[TrainedModel], data: Data) -> Table:
    """Table 4."""
    totals = {m.key: _training_seconds(m) for m in models if m.training}
    fastest = min(totals.values(), default=1.0)
    others = {
        f"{REPORT} s": published.TRAINING_SECONDS, f"{REPORT} ratio": published.TRAINING_RATIO
    }  # fmt: skip
    rows = []
    for m in models:
        figures = dict.fromkeys(TIME_FORMATS)
        if m.training:
            t, total = m.training, totals[m.key]
            figures |= {
                "seconds": total,
                "h:mm": hours_minutes(total),
                "ratio": total / fastest if fastest else None,
                "epochs s": t["training_seconds"],
                "features s": t.get("extraction_seconds", 0.0),
                "s an epoch": t["training_seconds"] / t["last_epoch"],
                "images/s": t["train_images"] * t["last_epoch"] / (t["training_seconds"] or np.nan),
                "waiting %": 100 * t["waiting_seconds"] / (t["training_seconds"] or np.nan),
                "best epoch": t["best_epoch"],
                "last epoch": t["last_epoch"],
                "validation s": t["validation_seconds"],
            }
        theirs = _others(m, data, others)
        if theirs.get(f"{REPORT} s"):
            theirs[f"{REPORT} h:mm"] = hours_minutes(theirs[f"{REPORT} s"])
        rows.append({"model": m.name, **figures, **theirs, TO_GET_IT: m.missing("training")})
    notes = [
        "Seconds are those of the epochs and of computing bottleneck features, where they were "
        "used; validation and testing are apart. Waiting is the share of the epochs in which the "
        "device had no batch.",
    ]
    return _table("table_4_training_time", "Table 4: training time", rows,
                  TIME_FORMATS | {f"{REPORT} s": _count, f"{REPORT} ratio": _ratio},
                  [*_notes(models, data, published.TRAINING_NOTE), *notes])  # fmt: skip


TIME_FORMATS = {
    "seconds": _one_digit, "h:mm": str, "ratio": _ratio, "epochs s": _one_digit,
    "features s": _one_digit, "s an epoch": _one_digit, "images/s": _one_digit,
    "waiting %": _one_digit, "best epoch": _count, "last epoch": _count, "validation s": _one_digit,
}  # fmt: skip


def _training_seconds(model: TrainedModel) -> float:
    return model.training["training_seconds"] + model.training.get("extraction_seconds", 0.0)


def inference_time(models: list[TrainedModel], data: Data) -> Table:
    """Table 5."""
    others = {
        f"{REPORT} 15 images s": published.FIFTEEN_IMAGES_SECONDS,
        f"{REPORT} sd ms": published.FIFTEEN_IMAGES_SD_MS,
    }
    one, many = BATCHES
    columns = ["format", "calls", "p50 ms", "p95 ms", "mean ms", "sd ms", "images/s",
               f"{many} images s", f"{many} images p50 ms", f"{many} images p95 ms",
               f"{many} images sd ms", f"{many} images/s", "threads", "peak RSS MB"]  # fmt: skip
    rows = []
    for m in models:
        theirs = {**_others(m, data, others), TO_GET_IT: m.missing("inference")}
        measured = m.inference["measured"] if m.inference else [None]
        for timing in measured:
            figures = dict.fromkeys(columns)
            if timing:
                single, batch = (np.array(timing["milliseconds"][str(size)]) for size in BATCHES)
                values = (
                    timing["format"], len(single), *np.percentile(single, [50, 95]),
                    single.mean(), single.std(), 1000 * one / single.mean(),
                    batch.mean() / 1000, *np.percentile(batch, [50, 95]), batch.std(),
                    1000 * many / batch.mean(), m.inference["threads"],
                    timing["peak_rss_bytes"] / 1e6,
                )  # fmt: skip
                figures = dict(zip(columns, values, strict=True))
            rows.append({"model": m.name, **figures, **theirs})
    machines = sorted({f"{m.inference['cpu']} ({m.inference['machine']})"
                       for m in models if m.inference})  # fmt: skip
    notes = [
        f"Milliseconds a call with one image, and with {many}, which the report timed: fixed test "
        f"images, after warm-up, threads pinned; on {' and '.join(machines)}."
    ]
    formats = dict.fromkeys([*columns[1:], *others], _one_digit)
    formats |= {"calls": _count, "threads": _count}
    formats |= {f"{many} images s": _ratio, f"{REPORT} 15 images s": lambda v: f"{v:.2f}"}
    return _table("table_5_inference", "Table 5: inference on a CPU", rows, formats,
                  [*_notes(models, data, published.INFERENCE_NOTE),
                   *(notes if machines else [])])  # fmt: skip


def cpu_load(models: list[TrainedModel], data: Data) -> Table:
    """Table 6."""
    life = {m.key: m.resources["cpu_percent_life"].mean() for m in _with_resources(models)}
    least = min(life.values(), default=1.0)
    rows = []
    for m in models:
        columns = ("ratio", "mean %CPU over life", "mean %CPU by second", "mean GPU load %")
        figures = dict.fromkeys(columns)
        if m.key in life:
            r = m.resources
            values = (life[m.key] / least if least else None, life[m.key],
                      r["cpu_percent"].mean(), r["gpu_percent"].mean())  # fmt: skip
            figures = dict(zip(columns, values, strict=True))
        theirs = _others(m, data, {f"{REPORT} ratio": published.CPU_RATIO})
        rows.append({"model": m.name, **figures, **theirs, TO_GET_IT: m.missing("resources")})
    formats = dict.fromkeys(columns, _one_digit) | dict.fromkeys(("ratio", "report ratio"), _ratio)
    return _table("table_6_cpu_load", "Table 6: CPU load while training", rows, formats,
                  [*_notes(models, data, published.CPU_NOTE),
                   "100 % is one core."])  # fmt: skip


def memory(models: list[TrainedModel], data: Data) -> Table:
    """Table 7."""
    vsize = {m.key: m.resources["vms_bytes"].mean() for m in _with_resources(models)}
    least = min(vsize.values(), default=1.0)
    rows = []
    for m in models:
        columns = ("ratio", "mean vsize bytes", "peak RSS bytes", "peak GPU memory bytes")
        figures = dict.fromkeys(columns)
        if m.key in vsize:
            r = m.resources
            values = (vsize[m.key] / least, vsize[m.key], r["rss_bytes"].max(),
                      r["gpu_memory_bytes"].max())  # fmt: skip
            figures = dict(zip(columns, values, strict=True))
        theirs = _others(m, data, {f"{REPORT} ratio": published.VSIZE_RATIO})
        rows.append({"model": m.name, **figures, **theirs, TO_GET_IT: m.missing("resources")})
    formats = dict.fromkeys(columns, _count) | dict.fromkeys(("ratio", "report ratio"), _ratio)
    return _table("table_7_memory", "Table 7: memory while training", rows, formats,
                  _notes(models, data, published.VSIZE_NOTE))  # fmt: skip


def disk(models: list[TrainedModel], data: Data) -> Table:
    """Table 8."""
    there = [ending for ending in Ending if any(ending in m.exported_bytes for m in models)]
    rows = [
        {
            "model": m.name,
            "checkpoint": m.checkpoint_bytes,
            "weights alone": m.weights_bytes,
            **{f"exported {ending}": m.exported_bytes.get(ending) for ending in there},
            **_others(m, data, {f"{REPORT} checkpoint": published.CHECKPOINT_BYTES}),
            TO_GET_IT: m.missing("training"),
        }
        for m in models
    ]
    formats = {column: _count for column in rows[0] if column not in ("model", TO_GET_IT)}
    notes = _notes(models, data, published.BYTES_NOTE)
    if not there:
        notes.append("No model is exported: python scripts/export_model.py --help.")
    notes.append("The weights alone are counted when inference is measured.")
    return _table("table_8_bytes", "Table 8: bytes on disk", rows, formats, notes)


def candidates(choice: Choice, data: Data) -> Table:
    """What the choice was made from."""
    rows = [
        {
            "model": c.model.name,
            "accuracy": c.accuracy.value,
            "95 % low": c.accuracy.interval[0],
            "95 % high": c.accuracy.interval[1],
            "ms an image": c.milliseconds,
            "weights bytes": c.bytes,
            "in the best's interval": "yes" if c.within else "no",
            "Pareto front": "yes" if c.front else "no",
            "chosen": "yes" if c is choice.chosen else "no",
        }
        for c in choice.candidates
    ]
    formats = {"ms an image": _one_digit, "weights bytes": _count, **SCORE_FORMATS}
    notes = [data.difference] if data.difference else []
    if choice.candidates:
        notes += [f"The rule: {RULE}", f"Timed: {choice.format}, one image at a time."]
    return _table("choice", "The choice", rows, formats, notes)


def leaking(models: list[TrainedModel]) -> Table:
    """What networks reach that have learned from the test images."""
    rows = [
        {"model": m.name, "tested on": what, **_scores(tested), TO_GET_IT: m.missing(which)}
        for m in models
        for which, what, tested in (
            ("own", f"test split of {m.run.dataset}", m.own),
            ("ttd", "TTD, at least 5 agree", m.ttd.agreed(5) if m.ttd is not None else None),
        )
        if which == "own" or tested is not None
    ]
    notes = [
        "LEAKING: these models were trained on the training, validation and test images together "
        "(--include-test-data), the replication report's idea of an upper limit. No figure here "
        "is a result, and none goes into another table, a picture or the choice."
    ]
    return _table("leaking", "LEAKING: models that have seen the test images", rows, SCORE_FORMATS,
                  notes)  # fmt: skip


def runs(models: list[TrainedModel]) -> Table:
    """Where the figures come from."""
    rows = []
    for m in models:
        columns = ("percent", "train images", "recipe, where it differs", "backend", "devices",
                   "started", "machine", "commit")  # fmt: skip
        figures: dict = dict.fromkeys(columns)
        if m.training:
            t = m.training
            values = (t["percent"], t["train_images"], _recipe_changes(m), t.get("backend"),
                      ", ".join(t.get("devices", [])), t["start"], t.get("machine"),
                      str(t.get("git_commit"))[:10])  # fmt: skip
            figures = dict(zip(columns, values, strict=True))
        rows.append({"model": m.name, **figures, TO_GET_IT: m.missing("training")})
    formats = {"percent": lambda v: f"{v:g}", "train images": _count}
    return _table("runs", "The runs", rows, formats, [])


def _recipe_changes(model: TrainedModel) -> str:
    """Such as `epochs 2, weights none`; files by their names."""
    ours, stated = model.training["recipe"], model.network.recipes[model.run.layers]
    changed = {name: value for name, value in ours.items() if value != getattr(stated, name, None)}
    words = (f"{name.replace('_', ' ')} {str(v).rsplit('/', 1)[-1]}" for name, v in changed.items())
    return ", ".join(words) or "none"


def _with_resources(models: list[TrainedModel]) -> list[TrainedModel]:
    return [m for m in models if m.resources is not None]


def _others(model: TrainedModel, data: Data, columns: dict[str, dict]) -> dict[str, float | None]:
    """What others published of a model; no columns for data that are none of theirs."""
    return {name: c.get(model.key) for name, c in columns.items()} if data.published else {}


def _notes(models: list[TrainedModel], data: Data, note: str) -> list[str]:
    """What must be said beside others' figures."""
    if not data.published:
        return []
    here = dict.fromkeys(model.run.architecture for model in models)
    networks = [published.NETWORK_NOTES[n] for n in here if n in published.NETWORK_NOTES]
    return [*filter(None, [data.difference]), note, *networks]


def _table(name: str, title: str, rows: Iterable[dict], formats: dict, notes: list[str]) -> Table:
    """A table without the column of what is missing if nothing is."""
    frame = pd.DataFrame(rows)
    if TO_GET_IT in frame and not frame[TO_GET_IT].any():
        frame = frame.drop(columns=TO_GET_IT)
    return Table(name, title, frame, formats, notes)
