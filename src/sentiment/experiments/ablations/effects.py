"""The accuracy of each ablation, and its difference from the baseline, with intervals."""

import logging
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from sentiment.data.dataset import TTD, Dataset
from sentiment.experiments.ablations.variants import BASELINE, Variant
from sentiment.model import model_file
from sentiment.model.recipe import Architecture
from sentiment.report import pairs, published_data
from sentiment.report.accuracy_tables import accuracy_figures
from sentiment.report.table import BALANCED, FRACTION, Table, drop_empty
from sentiment.runs import predictions, significance
from sentiment.runs.accuracy import Reached, beside_commonest
from sentiment.runs.picture import COLOURS, INK, Picture, interval_mark, name_rows, style
from sentiment.runs.predictions import Predictions
from sentiment.runs.significance import LEVEL, Comparison

log = logging.getLogger(__name__)

AGREE = 5
"""How many annotators agree on the photos of TTD that count, as in the report."""

COLUMNS = {
    "difference": "difference",
    "95 % low": "difference low",
    "95 % high": "difference high",
    "first alone right": "alone right",
    "second alone right": "baseline alone",
    "McNemar p": "McNemar p",
    "Holm p": "Holm p",
    "real": "real",
}
"""The columns of a comparison with the baseline, by those that `pairs` gives any comparison."""


def write(
    folder: Path,
    name: str,
    architecture: Architecture,
    variants: list[Variant],
    tested: list[Dataset],
) -> None:
    """Compare every variant with the baseline on each test; print, and write table and picture.

    Args:
        name: name of the baseline's run, with which the files' names begin.
        tested: the data sets that the variants have predicted.

    Raises:
        UserError: a result is damaged or of other images.
    """
    run = variants[0].run
    part = f" on {run.percent:g} %" if run.percent < 100 else ""
    for data in tested:
        results = {v.name: _read(v, data) for v in variants}
        on_ttd = data.name == TTD != run.dataset
        models = {n: p.agreed(AGREE) for n, p in results.items()} if on_ttd else results
        what = f"TTD, at least {AGREE} agree" if on_ttd else f"the test split of {data.name}"
        title = f"{architecture.title} {run.way}{part}: {what}, n = {len(models[BASELINE]):,}"
        compared = significance.compare(models, [(v.name, BASELINE) for v in variants[1:]])
        table = _table(f"{name}_on_{data.name}", title, variants, models, compared)
        describe = published_data.ttd if on_ttd else published_data.trained_on
        about = describe(data.folder.parent, data.name, results[BASELINE])
        table.notes.extend(filter(None, [about.difference]))
        _save(folder, table)
        if compared:
            _picture(table.name, title, compared).save(folder)


def _read(variant: Variant, data: Dataset) -> Predictions:
    own = data.name == variant.run.dataset
    return predictions.read(variant.run.result(data.name), all_classes=own)


def _save(folder: Path, table: Table) -> None:
    """Write a table as CSV and Markdown, and print it."""
    table.save(folder)
    log.info("\n%s", table.title)
    for line in (*table.lines(), *table.notes):
        log.info("  %s", line)


def _table(
    file: str,
    title: str,
    variants: list[Variant],
    models: dict[str, Predictions],
    compared: list[Comparison],
) -> Table:
    by_name = {c.first: pairs.figures(c) for c in compared}
    reached = {n: Reached.of(p.y_true, p.y_pred, p.class_names) for n, p in models.items()}
    rows = []
    for variant in variants:
        row = {
            "variant": variant.name,
            "flags": " ".join(variant.flags) or "-",
            "best epoch": model_file.read_card(variant.run.model)["best_epoch"],
            **accuracy_figures(reached[variant.name]),
        }
        figures = by_name.get(variant.name, {"real": "-"})
        rows.append(row | {column: figures.get(name) for name, column in COLUMNS.items()})
    real = sum(c.real for c in compared)
    note = (
        f"{real} of {len(compared)} differences from the baseline are real: exact McNemar test on "
        f"the same images, Holm's correction, level {LEVEL}; of the others no difference can be "
        "told. The intervals of differences (Agresti and Min, 2005) are each for itself."
    )
    formats = {column: pairs.FORMATS.get(name, "") for name, column in COLUMNS.items()}
    formats |= dict.fromkeys(accuracy_figures(reached[BASELINE]), FRACTION)
    frame = drop_empty(pd.DataFrame(rows), BALANCED)
    notes = [*beside_commonest("Accuracy", reached), note]
    return Table(file, title, frame, formats, notes)


def _picture(file: str, title: str, compared: list[Comparison]) -> Picture:
    words = []
    with style():
        figure = Figure(figsize=(8, 1.5 + 0.5 * len(compared)), layout="constrained")
        panel = figure.subplots()
        for row, c in enumerate(compared):
            points, (low, high) = 100 * c.difference, (100 * end for end in c.interval)
            panel.errorbar(
                points,
                row,
                xerr=interval_mark(points, (low, high)),
                fmt="o",
                capsize=3,
                markersize=7,
                color=COLOURS[0 if c.real else 5],
                fillstyle="full" if c.real else "none",
            )
            panel.annotate(
                f"p {c.p_holm:.2g}",
                (high, row),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
            )
            words.append(f"{c.first} {points:+.1f} points ({low:+.1f} to {high:+.1f})")
        panel.axvline(0, color=INK, linestyle=":", linewidth=1)
        name_rows(panel, [c.first for c in compared])
        panel.margins(x=0.12)
        panel.set(xlabel="accuracy less that of the baseline, points, 95 % interval", title=title)
    caption = f"{title}. Full dots are real after Holm's correction (p beside them)."
    return Picture(file, caption, "; ".join(words), figure)
