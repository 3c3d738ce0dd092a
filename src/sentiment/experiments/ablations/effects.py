"""What ablations did: accuracy of each, and its difference from the baseline, with intervals."""

import logging
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from sentiment.base import files
from sentiment.data.dataset import TTD, Dataset
from sentiment.experiments.ablations.variants import BASELINE, Variant
from sentiment.model import model_file
from sentiment.model.recipe import Architecture
from sentiment.report import pictures, published_data
from sentiment.report.pictures import Picture
from sentiment.report.table import Table
from sentiment.runs import predictions, significance
from sentiment.runs.accuracy import accuracy
from sentiment.runs.predictions import Predictions
from sentiment.runs.significance import LEVEL, Comparison

log = logging.getLogger(__name__)

AGREE = 5
"""Annotators of TTD's photos that count here, as in the report."""


def write(
    folder: Path,
    name: str,
    architecture: Architecture,
    variants: list[Variant],
    tested: list[Dataset],
) -> None:
    """Compare every variant with the baseline on each test; print, and write table and picture.

    Args:
        name: of the baseline's run, with which the files' names begin.

    Raises:
        UserError: a result is damaged or of other images.
    """
    for data in tested:
        said = {v.name: _read(v, data) for v in variants}
        on_ttd = data.name == TTD and data.name != variants[0].run.dataset
        models = {name: p.agreed(AGREE) for name, p in said.items()} if on_ttd else said
        n = len(models[BASELINE])
        what = f"the test split of {data.name}, n = {n:,}"
        if on_ttd:
            what = f"TTD, at least {AGREE} agree, n = {n:,}"
        pairs = [(v.name, BASELINE) for v in variants[1:]]
        compared = significance.compare(models, pairs)
        run = variants[0].run
        part = f" on {run.percent:g} %" if run.percent < 100 else ""
        title = f"{architecture.title} {run.way}{part}: {what}"
        file = f"{name}_on_{data.name}"
        table = _table(file, title, variants, models, compared)
        published = published_data.ttd if on_ttd else published_data.trained_on
        about = published(data.folder.parent, data.name, said[BASELINE])
        table.notes.extend(filter(None, [about.difference]))
        for ending, text in ((".csv", table.frame.to_csv(index=False)), (".md", table.markdown())):
            with files.whole_file(folder / f"{file}{ending}") as temporary:
                temporary.write_text(text)
        log.info("\n%s", title)
        for line in (*table.lines(), *table.notes):
            log.info("  %s", line)
        if compared:
            _picture(file, title, variants, compared).save(folder)


def _read(variant: Variant, data: Dataset) -> Predictions:
    own = data.name == variant.run.dataset
    return predictions.read(variant.run.result(data.name), all_classes=own)


def _table(
    file: str,
    title: str,
    variants: list[Variant],
    models: dict[str, Predictions],
    compared: list[Comparison],
) -> Table:
    by_name = {c.first: c for c in compared}
    rows = []
    for variant in variants:
        predicted, c = models[variant.name], by_name.get(variant.name)
        reached = accuracy(predicted.y_true, predicted.y_pred)
        card = model_file.read_card(variant.run.model)
        rows.append({
            "variant": variant.name,
            "flags": " ".join(variant.flags) or "-",
            "best epoch": card["best_epoch"],
            "accuracy": reached.value,
            "95 % low": reached.interval[0],
            "95 % high": reached.interval[1],
            "difference": c.difference if c else None,
            "difference low": c.interval[0] if c else None,
            "difference high": c.interval[1] if c else None,
            "alone right": c.only_first if c else None,
            "baseline alone": c.only_second if c else None,
            "McNemar p": c.p if c else None,
            "Holm p": c.p_holm if c else None,
            "real": ("yes" if c.real else "no") if c else "-",
        })  # fmt: skip
    real = sum(c.real for c in compared)
    note = (
        f"{real} of {len(compared)} differences from the baseline are real: exact McNemar test on "
        f"the same images, Holm's correction, level {LEVEL}; of the others no difference can be "
        "told. The intervals of differences (Agresti and Min, 2005) are each for itself."
    )
    formats = dict.fromkeys(("accuracy", "95 % low", "95 % high"), lambda v: f"{v:.4f}")
    formats |= dict.fromkeys(
        ("difference", "difference low", "difference high"), lambda v: f"{v:+.4f}"
    )
    formats |= dict.fromkeys(("alone right", "baseline alone"), lambda v: f"{v:,.0f}")
    formats |= dict.fromkeys(("McNemar p", "Holm p"), lambda v: f"{v:.2g}")
    return Table(file, title, pd.DataFrame(rows), formats, [note])


def _picture(file: str, title: str, variants: list[Variant], compared: list[Comparison]) -> Picture:
    words = []
    with pictures.style():
        figure = Figure(figsize=(8, 1.5 + 0.5 * len(compared)), layout="constrained")
        panel = figure.subplots()
        for row, c in enumerate(compared):
            low, high = (100 * end for end in c.interval)
            points = 100 * c.difference
            errors = [[max(0, points - low)], [max(0, high - points)]]
            panel.errorbar(points, row, xerr=errors, fmt="o", capsize=3, markersize=7,
                           color=pictures.COLOURS[0 if c.real else 5],
                           fillstyle="full" if c.real else "none")  # fmt: skip
            panel.annotate(f"p {c.p_holm:.2g}", (high, row), xytext=(6, 0), va="center",
                           textcoords="offset points", fontsize=8.5)  # fmt: skip
            words.append(f"{c.first} {points:+.1f} points ({low:+.1f} to {high:+.1f})")
        panel.axvline(0, color=pictures.INK, linestyle=":", linewidth=1)
        panel.set_yticks(range(len(compared)), [v.name for v in variants[1:]])
        panel.set_ylim(len(compared) - 0.4, -0.6)
        panel.margins(x=0.12)
        panel.set(xlabel="accuracy less that of the baseline, points, 95 % interval", title=title)
        panel.grid(axis="x", alpha=0.3)
    caption = f"{title}. Full dots are real after Holm's correction (p beside them)."
    return Picture(file, caption, "; ".join(words), figure)
