"""The report's tables of what models take: Tables 4 to 8, time, load, memory and bytes."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from sentiment.report import published
from sentiment.report.published import Key
from sentiment.report.published_data import Data
from sentiment.report.rows import (
    REPORT,
    Figures,
    PublishedColumns,
    published_figures,
    published_notes,
    row,
    table_of,
)
from sentiment.report.table import COUNT, ONE_DIGIT, RATIO, Table
from sentiment.runs.collect import Missing, TrainedModel
from sentiment.runs.inference_file import Inference, Timing
from sentiment.runs.manifest_file import FinishedTraining
from sentiment.runs.run_files import BATCHES, Ending

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

PUBLISHED_RATIO = {f"{REPORT} ratio": RATIO}


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
        others = published_figures(m, data, columns)
        if data.published:
            seconds = published.TRAINING_SECONDS.get(m.key)
            others[f"{REPORT} h:mm"] = hours_minutes(seconds) if seconds else None
        rows.append(row(m, _times(m.training, fastest), others, m.training))
    note = (
        "Seconds are those of the epochs and of computing bottleneck features, where they were "
        "used; validation and testing are apart. Waiting is the share of the epochs in which the "
        "device had no batch."
    )
    return table_of(
        "table_4_training_time",
        "Table 4: training time",
        rows,
        TIME_FORMATS | {f"{REPORT} s": COUNT, f"{REPORT} ratio": RATIO},
        [*published_notes(models, data, published.TRAINING_NOTE), note],
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
        others = published_figures(m, data, columns)
        if isinstance(m.inference, Missing):
            figures = [dict.fromkeys(INFERENCE_FORMATS)]
        else:
            figures = [_costs(m.inference, timing) for timing in m.inference.timings]
            machines.add(f"{m.inference.cpu} ({m.inference.machine})")
        rows += [row(m, costs, others, m.inference) for costs in figures]
    notes = published_notes(models, data, published.INFERENCE_NOTE)
    if machines:
        notes.append(
            f"Milliseconds a call with one image, and with {MANY}, which the report timed: fixed "
            "test images, after warm-up, threads pinned; on "
            f"{' and '.join(sorted(machines))}."
        )
    formats = INFERENCE_FORMATS | {f"{REPORT} {MANY} images s": ".2f", f"{REPORT} sd ms": ONE_DIGIT}
    return table_of("table_5_inference", "Table 5: inference on a CPU", rows, formats, notes)


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

    def figures(resources: pd.DataFrame) -> Figures:
        return {
            "mean %CPU over life": resources["cpu_percent_life"].mean(),
            "mean %CPU by second": resources["cpu_percent"].mean(),
            "mean GPU load %": resources["gpu_percent"].mean(),
        }

    rows = _resource_rows(models, data, LOAD_FORMATS, figures, published.CPU_RATIO)
    notes = [*published_notes(models, data, published.CPU_NOTE), "100 % is one core."]
    title = "Table 6: CPU load while training"
    return table_of("table_6_cpu_load", title, rows, LOAD_FORMATS | PUBLISHED_RATIO, notes)


def memory(models: list[TrainedModel], data: Data) -> Table:
    """Table 7."""

    def figures(resources: pd.DataFrame) -> Figures:
        return {
            "mean vsize bytes": resources["vms_bytes"].mean(),
            "peak RSS bytes": resources["rss_bytes"].max(),
            "peak GPU memory bytes": resources["gpu_memory_bytes"].max(),
        }

    rows = _resource_rows(models, data, MEMORY_FORMATS, figures, published.VSIZE_RATIO)
    notes = published_notes(models, data, published.VSIZE_NOTE)
    title = "Table 7: memory while training"
    return table_of("table_7_memory", title, rows, MEMORY_FORMATS | PUBLISHED_RATIO, notes)


def _resource_rows(
    models: list[TrainedModel],
    data: Data,
    formats: dict[str, str],
    figures: Callable[[pd.DataFrame], Figures],
    published_ratio: dict[Key, float],
) -> list[dict]:
    """Rows of what trainings took, each with the ratio of its first figure to the least one.

    Args:
        figures: a training's figures, from its samples.
    """
    taken = {m.key: figures(m.resources) for m in models if not isinstance(m.resources, Missing)}
    firsts = {key: float(next(iter(of_model.values())) or 0) for key, of_model in taken.items()}
    least = min(firsts.values(), default=0.0)
    rows = []
    for m in models:
        line: Figures = dict.fromkeys(formats)
        if m.key in taken:
            line = {"ratio": firsts[m.key] / least if least else None, **taken[m.key]}
        others = published_figures(m, data, {f"{REPORT} ratio": published_ratio})
        rows.append(row(m, line, others, m.resources))
    return rows


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
        rows.append(row(m, figures, published_figures(m, data, columns), m.training))
    ours = ["checkpoint", "weights alone", *(f"exported {ending}" for ending in endings)]
    notes = published_notes(models, data, published.BYTES_NOTE)
    if not endings:
        notes.append("No model is exported: python scripts/export_model.py --help.")
    notes.append("The weights alone are counted when inference is measured.")
    formats = dict.fromkeys([*ours, *columns], COUNT)
    return table_of("table_8_bytes", "Table 8: bytes on disk", rows, formats, notes)
