"""The report's Tables 2 to 8 and a few more, from what runs have left."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sentiment.model.recipe import Recipe
from sentiment.report import published
from sentiment.report.choice import RULE, Choice
from sentiment.report.published import Key
from sentiment.report.published_data import Data
from sentiment.report.table import (
    BALANCED,
    COUNT,
    FRACTION,
    ONE_DIGIT,
    RATIO,
    TO_GET_IT,
    Table,
    drop_empty,
)
from sentiment.runs.accuracy import Commonest, Reached, beside_commonest
from sentiment.runs.collect import Missing, TrainedModel
from sentiment.runs.inference_file import Inference, Timing
from sentiment.runs.manifest_file import FinishedTraining
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import BATCHES, Ending
from sentiment.runs.scores import DEFINITIONS, scores

REPORT, PAPER, RERUN = "report", "paper", "paper rerun"
"""Columns with what others published; see `published`."""

Figures = dict[str, float | str | None]
"""The figures of a row, by column; None where there is none."""

PublishedColumns = dict[str, dict[Key, float]]
"""Published figures by column, and in each column by model."""

SCORE_FORMATS = {
    "n": COUNT,
    "accuracy": FRACTION,
    "95 % low": FRACTION,
    "95 % high": FRACTION,
    "commonest": FRACTION,
    BALANCED: FRACTION,
    "macro-F1": FRACTION,
    "AUC": FRACTION,
    "Brier": FRACTION,
    "ECE": FRACTION,
}

TIME_FORMATS = {
    "seconds": ONE_DIGIT,
    "h:mm": "",
    "ratio": RATIO,
    "epochs s": ONE_DIGIT,
    "features s": ONE_DIGIT,
    "s an epoch": ONE_DIGIT,
    "images/s": ONE_DIGIT,
    "waiting %": ONE_DIGIT,
    "best epoch": COUNT,
    "last epoch": COUNT,
    "validation s": ONE_DIGIT,
}

_, MANY = BATCHES

INFERENCE_FORMATS = {
    "format": "",
    "calls": COUNT,
    "p50 ms": ONE_DIGIT,
    "p95 ms": ONE_DIGIT,
    "mean ms": ONE_DIGIT,
    "sd ms": ONE_DIGIT,
    "images/s": ONE_DIGIT,
    f"{MANY} images s": RATIO,
    f"{MANY} images p50 ms": ONE_DIGIT,
    f"{MANY} images p95 ms": ONE_DIGIT,
    f"{MANY} images sd ms": ONE_DIGIT,
    f"{MANY} images/s": ONE_DIGIT,
    "threads": COUNT,
    "peak RSS MB": ONE_DIGIT,
}

LOAD_FORMATS = {
    "ratio": RATIO,
    "mean %CPU over life": ONE_DIGIT,
    "mean %CPU by second": ONE_DIGIT,
    "mean GPU load %": ONE_DIGIT,
}

MEMORY_FORMATS = {
    "ratio": RATIO,
    "mean vsize bytes": COUNT,
    "peak RSS bytes": COUNT,
    "peak GPU memory bytes": COUNT,
}

RUN_FORMATS = {
    "percent": "g",
    "train images": COUNT,
    "recipe, where it differs": "",
    "backend": "",
    "devices": "",
    "started": "",
    "machine": "",
    "commit": "",
}


def test_accuracy(models: list[TrainedModel], data: Data) -> Table:
    """Table 2."""
    columns: PublishedColumns = {
        REPORT: published.TEST_REPORT,
        PAPER: published.TEST_PAPER,
        RERUN: published.TEST_RERUN,
    }
    rows = [_row(m, _scores(m.tested), _published(m, data, columns), m.tested) for m in models]
    return _table(
        "table_2_test_accuracy",
        f"Table 2: test split of {data.name}",
        rows,
        SCORE_FORMATS | dict.fromkeys(columns, FRACTION),
        [
            *_beside_commonest(f"Test split of {data.name}", {m.name: m.tested for m in models}),
            *_notes(models, data, published.TEST_NOTE),
            DEFINITIONS,
        ],
    )


def ttd_accuracy(models: list[TrainedModel], data: Data) -> Table:
    """Table 3, at each level of agreement."""
    rows, beside = [], []
    for level in published.TTD_IMAGES:
        agreed = {m.name: _agreed(m.ttd, level) for m in models}
        beside += _beside_commonest(f"At least {level} agree", agreed)
        columns: PublishedColumns = {
            REPORT: published.TTD_REPORT.get(level, {}),
            PAPER: published.TTD_PAPER[level],
            RERUN: published.TTD_RERUN[level],
        }
        for m in models:
            figures = {"at least agree": level, **_scores(agreed[m.name])}
            rows.append(_row(m, figures, _published(m, data, columns), m.ttd))
    best = ", ".join(f"{value} at {level}" for level, value in published.TTD_BEST_SINCE.items())
    notes = [
        *_ttd_commonest(data),
        "TTD has no neutral images: the neutral column is left out, the other two scaled to sum "
        "to 1, and all figures are of these two classes.",
        f"Best published since: {best} (ViT-L/16, cross-modal distillation, other labels).",
    ]
    return _table(
        "table_3_ttd_accuracy",
        "Table 3: TTD by annotators that agree",
        rows,
        SCORE_FORMATS | dict.fromkeys((REPORT, PAPER, RERUN), FRACTION),
        [*beside, *_notes(models, data, published.TTD_NOTE), *notes],
    )


def _ttd_commonest(data: Data) -> list[str]:
    """What the published accuracies on TTD are to be measured by, a sentence."""
    if not data.published:
        return []
    commonest = {n: Commonest.among(counts) for n, counts in published.TTD_BY_CLASS.items()}
    words = (f"at least {level} agree, {always}" for level, always in commonest.items())
    return [f"Beside the published accuracies, on the whole of TTD: {'; '.join(words)}."]


def _agreed(ttd: Predictions | Missing, level: int) -> Predictions | Missing:
    """The predictions for photos on which so many annotators agree."""
    return ttd if isinstance(ttd, Missing) else ttd.agreed(level)


def _beside_commonest(where: str, tested: dict[str, Predictions | Missing]) -> list[str]:
    """Say which models are not better than always naming the commonest class, where known."""
    reached = {
        name: Reached.of(p.y_true, p.y_pred, p.class_names)
        for name, p in tested.items()
        if isinstance(p, Predictions) and len(p)
    }
    return beside_commonest(where, reached)


def _scores(predictions: Predictions | Missing) -> Figures:
    if isinstance(predictions, Missing) or not len(predictions):
        return dict.fromkeys(SCORE_FORMATS)
    computed = scores(predictions)
    return {
        "n": computed.reached.accuracy.n,
        **accuracy_figures(computed.reached),
        "macro-F1": computed.macro_f1,
        "AUC": computed.auc,
        "Brier": computed.brier,
        "ECE": computed.ece,
    }


def accuracy_figures(reached: Reached) -> Figures:
    """An accuracy with all that stands beside it, by column."""
    low, high = reached.accuracy.interval
    return {
        "accuracy": reached.accuracy.value,
        "95 % low": low,
        "95 % high": high,
        "commonest": reached.commonest.share,
        BALANCED: reached.balanced,
    }


def training_time(models: list[TrainedModel], data: Data) -> Table:
    """Table 4."""
    trainings = (m.training for m in models)
    fastest = min((t.seconds for t in trainings if isinstance(t, FinishedTraining)), default=0.0)
    columns: PublishedColumns = {
        f"{REPORT} s": published.TRAINING_SECONDS,
        f"{REPORT} ratio": published.TRAINING_RATIO,
    }
    rows = []
    for m in models:
        published_figures = _published(m, data, columns)
        if data.published:
            seconds = published.TRAINING_SECONDS.get(m.key)
            published_figures[f"{REPORT} h:mm"] = hours_minutes(seconds) if seconds else None
        rows.append(_row(m, _times(m.training, fastest), published_figures, m.training))
    note = (
        "Seconds are those of the epochs and of computing bottleneck features, where they were "
        "used; validation and testing are apart. Waiting is the share of the epochs in which the "
        "device had no batch."
    )
    return _table(
        "table_4_training_time",
        "Table 4: training time",
        rows,
        TIME_FORMATS | {f"{REPORT} s": COUNT, f"{REPORT} ratio": RATIO},
        [*_notes(models, data, published.TRAINING_NOTE), note],
    )


def _times(training: FinishedTraining | Missing, fastest: float) -> Figures:
    """How long a training took.

    Args:
        fastest: seconds of the fastest training.
    """
    if isinstance(training, Missing):
        return dict.fromkeys(TIME_FORMATS)
    epochs_seconds = training.training_seconds
    return {
        "seconds": training.seconds,
        "h:mm": hours_minutes(training.seconds),
        "ratio": training.seconds / fastest if fastest else None,
        "epochs s": epochs_seconds,
        "features s": training.extraction_seconds,
        "s an epoch": epochs_seconds / training.last_epoch,
        "images/s": training.train_images * training.last_epoch / (epochs_seconds or np.nan),
        "waiting %": 100 * training.waiting_seconds / (epochs_seconds or np.nan),
        "best epoch": training.best_epoch,
        "last epoch": training.last_epoch,
        "validation s": training.validation_seconds,
    }


def hours_minutes(seconds: float) -> str:
    """Such as 49:27."""
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02}"


def inference_time(models: list[TrainedModel], data: Data) -> Table:
    """Table 5."""
    columns: PublishedColumns = {
        f"{REPORT} {MANY} images s": published.FIFTEEN_IMAGES_SECONDS,
        f"{REPORT} sd ms": published.FIFTEEN_IMAGES_SD_MS,
    }
    rows, machines = [], set()
    for m in models:
        published_figures = _published(m, data, columns)
        if isinstance(m.inference, Missing):
            figures = [dict.fromkeys(INFERENCE_FORMATS)]
        else:
            figures = [_costs(m.inference, timing) for timing in m.inference.timings]
            machines.add(f"{m.inference.cpu} ({m.inference.machine})")
        rows += [_row(m, costs, published_figures, m.inference) for costs in figures]
    notes = _notes(models, data, published.INFERENCE_NOTE)
    if machines:
        notes.append(
            f"Milliseconds a call with one image, and with {MANY}, which the report timed: fixed "
            "test images, after warm-up, threads pinned; on "
            f"{' and '.join(sorted(machines))}."
        )
    formats = INFERENCE_FORMATS | {f"{REPORT} {MANY} images s": ".2f", f"{REPORT} sd ms": ONE_DIGIT}
    return _table("table_5_inference", "Table 5: inference on a CPU", rows, formats, notes)


def _costs(inference: Inference, timing: Timing) -> Figures:
    """What predicting costs in one format."""
    single, batch = (timing.milliseconds[size] for size in BATCHES)
    p50, p95 = np.percentile(single, [50, 95])
    batch_p50, batch_p95 = np.percentile(batch, [50, 95])
    return {
        "format": timing.format,
        "calls": len(single),
        "p50 ms": p50,
        "p95 ms": p95,
        "mean ms": single.mean(),
        "sd ms": single.std(),
        "images/s": 1000 / single.mean(),
        f"{MANY} images s": batch.mean() / 1000,
        f"{MANY} images p50 ms": batch_p50,
        f"{MANY} images p95 ms": batch_p95,
        f"{MANY} images sd ms": batch.std(),
        f"{MANY} images/s": 1000 * MANY / batch.mean(),
        "threads": inference.threads,
        "peak RSS MB": timing.peak_rss_bytes / 1e6,
    }


def cpu_load(models: list[TrainedModel], data: Data) -> Table:
    """Table 6."""
    least = _least_mean(models, "cpu_percent_life")
    columns: PublishedColumns = {f"{REPORT} ratio": published.CPU_RATIO}
    rows = []
    for m in models:
        figures: Figures = dict.fromkeys(LOAD_FORMATS)
        if not isinstance(m.resources, Missing):
            life = m.resources["cpu_percent_life"].mean()
            figures = {
                "ratio": life / least if least else None,
                "mean %CPU over life": life,
                "mean %CPU by second": m.resources["cpu_percent"].mean(),
                "mean GPU load %": m.resources["gpu_percent"].mean(),
            }
        rows.append(_row(m, figures, _published(m, data, columns), m.resources))
    return _table(
        "table_6_cpu_load",
        "Table 6: CPU load while training",
        rows,
        LOAD_FORMATS | dict.fromkeys(columns, RATIO),
        [*_notes(models, data, published.CPU_NOTE), "100 % is one core."],
    )


def memory(models: list[TrainedModel], data: Data) -> Table:
    """Table 7."""
    least = _least_mean(models, "vms_bytes")
    columns: PublishedColumns = {f"{REPORT} ratio": published.VSIZE_RATIO}
    rows = []
    for m in models:
        figures: Figures = dict.fromkeys(MEMORY_FORMATS)
        if not isinstance(m.resources, Missing):
            vsize = m.resources["vms_bytes"].mean()
            figures = {
                "ratio": vsize / least if least else None,
                "mean vsize bytes": vsize,
                "peak RSS bytes": m.resources["rss_bytes"].max(),
                "peak GPU memory bytes": m.resources["gpu_memory_bytes"].max(),
            }
        rows.append(_row(m, figures, _published(m, data, columns), m.resources))
    return _table(
        "table_7_memory",
        "Table 7: memory while training",
        rows,
        MEMORY_FORMATS | dict.fromkeys(columns, RATIO),
        _notes(models, data, published.VSIZE_NOTE),
    )


def _least_mean(models: list[TrainedModel], column: str) -> float:
    """The least of the models' means of a column of their resources."""
    recorded = [m.resources for m in models if not isinstance(m.resources, Missing)]
    return min((resources[column].mean() for resources in recorded), default=0.0)


def disk(models: list[TrainedModel], data: Data) -> Table:
    """Table 8."""
    endings = [ending for ending in Ending if any(ending in m.exported_bytes for m in models)]
    columns: PublishedColumns = {f"{REPORT} checkpoint": published.CHECKPOINT_BYTES}
    rows = []
    for m in models:
        weights_bytes = None if isinstance(m.inference, Missing) else m.inference.weights_bytes
        figures: Figures = {
            "checkpoint": m.checkpoint_bytes,
            "weights alone": weights_bytes,
            **{f"exported {ending}": m.exported_bytes.get(ending) for ending in endings},
        }
        rows.append(_row(m, figures, _published(m, data, columns), m.training))
    ours = ["checkpoint", "weights alone", *(f"exported {ending}" for ending in endings)]
    notes = _notes(models, data, published.BYTES_NOTE)
    if not endings:
        notes.append("No model is exported: python scripts/export_model.py --help.")
    notes.append("The weights alone are counted when inference is measured.")
    formats = dict.fromkeys([*ours, *columns], COUNT)
    return _table("table_8_bytes", "Table 8: bytes on disk", rows, formats, notes)


def candidates(choice: Choice, data: Data) -> Table:
    """The models that the choice was made from."""
    rows = [
        {
            "model": c.model.name,
            **accuracy_figures(c.reached),
            "ms an image": c.milliseconds,
            "weights bytes": c.bytes,
            "in the best's interval": "yes" if c.within else "no",
            "Pareto front": "yes" if c.front else "no",
            "chosen": "yes" if c is choice.chosen else "no",
        }
        for c in choice.candidates
    ]
    formats = {"ms an image": ONE_DIGIT, "weights bytes": COUNT, **SCORE_FORMATS}
    notes = [data.difference] if data.difference else []
    if choice.candidates:
        notes += [f"The rule: {RULE}", f"Timed: {choice.format}, one image at a time."]
        reached = {c.model.name: c.reached for c in choice.candidates}
        notes += beside_commonest(f"Test split of {data.name}", reached)
    return _table("choice", "The choice", rows, formats, notes)


def leaking(models: list[TrainedModel]) -> Table:
    """The scores of networks that have learned from the test images."""
    rows = []
    ttd = "TTD, at least 5 agree"
    on_ttd = {m.name: _agreed(m.ttd, 5) for m in models}
    for m in models:
        test_split: Figures = {"tested on": f"test split of {m.run.dataset}"}
        rows.append(_row(m, test_split | _scores(m.tested), {}, m.tested))
        if not isinstance(m.ttd, Missing):
            rows.append(_row(m, {"tested on": ttd, **_scores(on_ttd[m.name])}, {}, m.ttd))
    notes = [
        "LEAKING: these models were trained on the training, validation and test images together "
        "(--include-test-data), the replication report's idea of an upper limit. No figure here "
        "is a result, and none goes into another table, a picture or the choice.",
        *_beside_commonest("Test split", {m.name: m.tested for m in models}),
        *_beside_commonest(ttd, on_ttd),
    ]
    title = "LEAKING: models that have seen the test images"
    return _table("leaking", title, rows, SCORE_FORMATS, notes)


def runs(models: list[TrainedModel]) -> Table:
    """The training runs that the figures come from."""
    rows = []
    for m in models:
        figures: Figures = dict.fromkeys(RUN_FORMATS)
        if isinstance(m.training, FinishedTraining):
            figures = {
                "percent": m.training.percent,
                "train images": m.training.train_images,
                "recipe, where it differs": _recipe_changes(
                    m.training.recipe, m.network.recipes[m.run.layers]
                ),
                "backend": m.training.backend,
                "devices": ", ".join(m.training.devices),
                "started": m.training.start,
                "machine": m.training.machine,
                "commit": str(m.training.git_commit)[:10],
            }
        rows.append(_row(m, figures, {}, m.training))
    return _table("runs", "The runs", rows, RUN_FORMATS, [])


def _recipe_changes(recipe: dict[str, object], stated: Recipe) -> str:
    """The settings that differ from the stated recipe, such as `epochs 2, weights none`.

    A file is shown by its name.
    """
    changed = {n: value for n, value in recipe.items() if value != getattr(stated, n, None)}
    words = (f"{n.replace('_', ' ')} {str(v).rsplit('/', 1)[-1]}" for n, v in changed.items())
    return ", ".join(words) or "none"


def _row(model: TrainedModel, figures: Figures, published_figures: Figures, part: object) -> dict:
    """A model's row.

    Args:
        part: what the figures are of, or a Missing, which says how to get it.
    """
    return {
        "model": model.name,
        **figures,
        **published_figures,
        TO_GET_IT: part if isinstance(part, Missing) else None,
    }


def _published(model: TrainedModel, data: Data, columns: PublishedColumns) -> Figures:
    """The published figures of a model; no column where the data are not those published."""
    if not data.published:
        return {}
    return {name: column.get(model.key) for name, column in columns.items()}


def _notes(models: list[TrainedModel], data: Data, note: str) -> list[str]:
    """The notes that published figures need beside them."""
    if not data.published:
        return []
    names = dict.fromkeys(model.run.architecture for model in models)
    networks = [published.NETWORK_NOTES[n] for n in names if n in published.NETWORK_NOTES]
    return [*filter(None, [data.difference]), note, *networks]


def _table(
    name: str, title: str, rows: Iterable[dict], formats: dict[str, str], notes: list[str]
) -> Table:
    """A table without the columns of what is missing and of balanced accuracy if they are empty."""
    frame = drop_empty(pd.DataFrame(rows), TO_GET_IT, BALANCED)
    return Table(name, title, frame, formats, notes)
