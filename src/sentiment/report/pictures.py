"""The report's pictures. Networks have colours; FT-F is hollow, FT-A is full."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sentiment.data import fonts
from sentiment.report import learning_curves, published
from sentiment.report.ceilings import Known
from sentiment.report.choice import Candidate, Choice
from sentiment.report.published import Key
from sentiment.report.published_data import Data
from sentiment.runs import collect, confusion_picture, scores
from sentiment.runs.accuracy import Commonest, Reached
from sentiment.runs.collect import Missing, TrainedModel
from sentiment.runs.picture import (
    COLOURS,
    INK,
    Picture,
    draw_ceiling,
    draw_commonest,
    interval_mark,
    name_rows,
    style,
)
from sentiment.runs.predictions import Predictions
from sentiment.runs.significance import Comparison

MARKERS = {"report": "x", "paper": "+", "successor": "*"}
"""Markers of published figures, by where they were published."""

Tested = list[tuple[TrainedModel, Predictions]]
"""Models with their predictions for the same images."""


def draw_all(
    models: list[TrainedModel],
    data: Data,
    ttd: Data,
    comparisons: list[Comparison],
    choice: Choice,
    ceiling: Known | None,
) -> list[Picture]:
    """Every picture that there are figures for, in the order of the report."""
    names = {name for _, tested in collect.tested_models(models) for name in tested.class_names}
    fonts.say_what_lacks(names)
    with style(names):
        return list(_pictures(models, data, ttd, comparisons, choice, ceiling))


def _pictures(
    models: list[TrainedModel],
    data: Data,
    ttd: Data,
    comparisons: list[Comparison],
    choice: Choice,
    ceiling: Known | None,
) -> Iterator[Picture]:
    colours = _colours(models)
    tested, on_ttd = collect.tested_models(models), collect.models_on_ttd(models)
    histories = [(m, m.history) for m in models if not isinstance(m.history, Missing)]
    if choice.candidates:
        yield _pareto(colours, choice)
    if tested:
        yield _accuracy(colours, tested, data, ceiling)
    if comparisons:
        yield _differences([model.name for model, _ in tested], comparisons)
    if on_ttd:
        yield _ttd(colours, on_ttd, ttd)
    if histories:
        yield _curves(colours, histories)
    if tested:
        yield confusion_picture.draw([(model.name, said) for model, said in tested])
        yield _reliability(colours, tested)


def _colours(models: list[TrainedModel]) -> dict[str, str]:
    """A colour for each network's folder."""
    networks = dict.fromkeys(model.run.architecture for model in models)
    return {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(networks)}


def _accuracy(
    colours: dict[str, str], tested: Tested, data: Data, ceiling: Known | None
) -> Picture:
    others = {"report": published.TEST_REPORT, "paper": published.TEST_PAPER}
    figure = Figure(figsize=(7, 1.2 + 0.42 * len(tested)), layout="constrained")
    panel = figure.subplots()
    words = _intervals(panel, colours, tested, others if data.published else {})
    if ceiling:
        draw_ceiling(panel.axvline, ceiling.agreed.value, ceiling.label)
        words += f". {ceiling}"
    _legend(figure, [panel])
    panel.set_xlabel(f"accuracy on the test split of {data.name}, 95 % interval")
    return Picture(
        "test_accuracy",
        f"Test accuracy with Wilson's 95 % intervals{_caveat(data)}",
        f"Accuracy by model: {words}.",
        figure,
    )


def _ttd(colours: dict[str, str], on_ttd: Tested, data: Data) -> Picture:
    figure = Figure(figsize=(9, 1.5 + 0.42 * len(on_ttd)), layout="constrained")
    panels = figure.subplots(1, len(published.TTD_IMAGES), sharey=True, sharex=True)
    words = []
    for panel, level in zip(panels, published.TTD_IMAGES, strict=True):
        others = {
            "report": published.TTD_REPORT.get(level, {}),
            "paper": published.TTD_PAPER[level],
            "successor": published.TTD_SUCCESSOR[level],
        }
        agreed = [(model, predictions.agreed(level)) for model, predictions in on_ttd]
        shown = [(model, predictions) for model, predictions in agreed if len(predictions)]
        spoken = _intervals(panel, colours, shown, others if data.published else {})
        words.append(f"at least {level} agree: {spoken}")
        n = len(shown[0][1]) if shown else 0
        panel.set(title=f"at least {level} agree, n = {n:,}", xlabel="accuracy")
    _legend(figure, panels)
    return Picture(
        "ttd_accuracy",
        f"Accuracy on TTD by annotators that agree, 95 % intervals{_caveat(data)}",
        f"{'; '.join(words)}.",
        figure,
    )


def _intervals(
    panel: Axes, colours: dict[str, str], tested: Tested, others: dict[str, dict[Key, float]]
) -> str:
    """Draw a row a model: its accuracy with its interval, and what others published.

    Args:
        others: published accuracies by where they were published, then by model.

    Returns:
        The accuracies in words, then what always naming the commonest class reaches.
    """
    words, commonest = [], dict[Commonest, None]()
    for row, (model, predictions) in enumerate(tested):
        reached = Reached.of(predictions.y_true, predictions.y_pred, predictions.class_names)
        commonest[reached.commonest] = None
        value, (low, high) = reached.accuracy.value, reached.accuracy.interval
        panel.errorbar(
            value,
            row,
            xerr=interval_mark(value, (low, high)),
            fmt="o",
            capsize=3,
            markersize=7,
            color=colours[model.run.architecture],
            fillstyle="none" if model.run.layers == "fc" else "full",
        )
        worse = "" if reached.better else f", {reached.beside}"
        words.append(f"{model.name} {value:.4f} ({low:.4f} to {high:.4f}){worse}")
        for name, marker in MARKERS.items():
            published_value = others.get(name, {}).get(model.key)
            if published_value is not None:
                panel.plot(published_value, row, marker, color=INK, label=name, markersize=7)
    # What was chosen of the labels is in a second line.
    name_rows(panel, [model.name.replace(", ", ",\n", 1) for model, _ in tested])
    for always in commonest:
        draw_commonest(panel.axvline, always)
    return "; ".join([*words, *map(str, commonest)])


def _legend(figure: Figure, panels: Iterable[Axes]) -> None:
    """Say which marks are published figures, and what the dotted line is."""
    named: dict[str, Artist] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    if named:
        figure.legend(list(named.values()), list(named), loc="outside lower right", ncols=3)


def _caveat(data: Data) -> str:
    """Ends a caption: which published figures are shown, and whether they can be compared."""
    marks = "; beside them what others published" if data.published else ""
    return f"{marks}{', of other data: do not compare' if data.difference else ''}."


def _differences(names: list[str], comparisons: list[Comparison]) -> Picture:
    size = len(names)
    points = np.full((size, size), np.nan)
    figure = Figure(figsize=(2.6 + 0.95 * size, 1.7 + 0.7 * size), layout="constrained")
    panel = figure.subplots()
    for c in comparisons:
        for first, second, sign in ((c.first, c.second, 1), (c.second, c.first, -1)):
            row, column = names.index(first), names.index(second)
            points[row, column] = 100 * sign * c.difference + 0.0  # no -0.0
            panel.text(
                column,
                row,
                f"{points[row, column]:+.1f}{'*' if c.real else ''}\np {c.p_holm:.2g}",
                ha="center",
                va="center",
                color="#000000",
                fontsize=8.5,
                weight="bold" if c.real else None,
            )
    largest = np.nanmax(abs(points)) or 1
    panel.imshow(points, cmap="PuOr", vmin=-2 * largest, vmax=2 * largest)
    panel.set_xticks(range(size), names, rotation=35, ha="right")
    panel.set_yticks(range(size), names)
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    real = [f"{c.first} and {c.second}" for c in comparisons if c.real]
    return Picture(
        "differences",
        "Accuracy of the row's model less that of the column's, in points, on the same test "
        "images, with McNemar's p after Holm's correction; * marks the differences that are real.",
        f"Differences that are real: {', '.join(real) or 'none'}.",
        figure,
    )


def _curves(colours: dict[str, str], histories: list[tuple[TrainedModel, pd.DataFrame]]) -> Picture:
    figure = Figure(figsize=(9, 2.5 * len(histories)), layout="constrained")
    rows = figure.subplots(len(histories), 2, squeeze=False)
    words = []
    for panels, (model, history) in zip(rows, histories, strict=True):
        learning_curves.curves(panels, history, colours[model.run.architecture])
        panels[0].set_title(model.name, loc="left")
        kept = history.loc[history["val_loss"].idxmin()]
        words.append(
            f"{model.name}: epoch {kept['epoch']:g} of {len(history)} kept, "
            f"validation accuracy {kept['val_accuracy']:.4f}"
        )
    rows[0][1].legend(loc="lower right")
    decaying = [m.name for m, _ in histories if m.network.recipes[m.run.layers].penalty]
    penalty = f" Losses of {', '.join(decaying)} hold the weight decay's penalty."
    return Picture(
        "learning_curves",
        "Loss and accuracy by epoch; the dot marks the epoch whose weights were kept."
        f"{penalty if decaying else ''}",
        f"{'; '.join(words)}.",
        figure,
    )


def _grid(count: int, height: float, columns: int = 3) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, and the panels.

    Args:
        height: height of a panel in inches.
    """
    rows = -(-count // columns)
    figure = Figure(figsize=(9, height * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[count:]:
        panel.set_axis_off()
    return figure, list(panels[:count])


def _reliability(colours: dict[str, str], tested: Tested) -> Picture:
    figure, panels = _grid(len(tested), 2.9)
    words = []
    for panel, (model, predictions) in zip(panels, tested, strict=True):
        bins = scores.reliability(predictions)
        confidence, reached = [b.confidence for b in bins], [b.accuracy for b in bins]
        most = max(b.images for b in bins)
        areas = [12 + 90 * b.images / most for b in bins]
        colour = colours[model.run.architecture]
        panel.plot([0, 1], [0, 1], ":", color=INK, linewidth=1)
        panel.plot(confidence, reached, "-", color=colour, alpha=0.5)
        panel.scatter(confidence, reached, color=colour, s=areas)
        ece = scores.scores(predictions).ece
        panel.set(title=f"{model.name}, ECE {ece:.3f}", xlabel="confidence", ylabel="accuracy")
        panel.set(xlim=(0, 1.02), ylim=(-0.02, 1.02))
        panel.grid(alpha=0.3)
        words.append(f"{model.name} {ece:.4f}")
    return Picture(
        "reliability",
        f"Reliability on the test split, {scores.BINS} bins of equal width; the dotted line is "
        "perfect, a dot's area grows with its images.",
        f"Expected calibration error: {'; '.join(words)}.",
        figure,
    )


def _pareto(colours: dict[str, str], choice: Choice) -> Picture:
    figure = Figure(figsize=(7.5, 4), layout="constrained")
    panel = figure.subplots()
    words = []
    for c in sorted(choice.candidates, key=lambda c: -c.bytes):
        _draw_candidate(panel, colours[c.model.run.architecture], c, choice)
        words.append(
            f"{c.model.name} {c.accuracy.value:.4f} at {c.milliseconds:.1f} ms and "
            f"{c.bytes / 1e6:.1f} MB{', on the front' if c.front else ''}"
            f"{'' if c.reached.better else f', {c.reached.beside}'}"
        )
    front = sorted((c.milliseconds, c.accuracy.value) for c in choice.candidates if c.front)
    panel.plot(*zip(*front, strict=True), "--", color=INK, linewidth=1, alpha=0.4, zorder=0)
    commonest = dict.fromkeys(c.reached.commonest for c in choice.candidates)
    for always in commonest:
        draw_commonest(panel.axhline, always)
    _legend(figure, [panel])
    panel.set(xlabel=f"milliseconds an image on a CPU ({choice.format})", ylabel="test accuracy")
    panel.set_xlim(0, 1.1 * max(c.milliseconds for c in choice.candidates))
    panel.yaxis.set_major_locator(MaxNLocator(6))
    panel.grid(alpha=0.3)
    return Picture(
        "choice",
        "Accuracy against inference time; a dot's area is the size of the weights, the dashed "
        "line the Pareto front.",
        f"{'; '.join([*words, *map(str, commonest)])}.",
        figure,
    )


def _draw_candidate(panel: Axes, colour: str, candidate: Candidate, choice: Choice) -> None:
    """Draw a candidate's dot with its interval, and its name beside it."""
    model, reached = candidate.model, candidate.accuracy
    largest = max(c.bytes for c in choice.candidates)
    slowest = max(c.milliseconds for c in choice.candidates)
    errors = interval_mark(reached.value, reached.interval)
    point = (candidate.milliseconds, reached.value)
    panel.errorbar(*point, yerr=errors, color=colour, capsize=3, alpha=0.55)
    panel.scatter(
        *point,
        s=30 + 400 * candidate.bytes / largest,
        facecolors=colour if model.run.layers == "all" else "none",
        edgecolors=colour,
        linewidths=1.5,
    )
    # Both ways of a network cost the same: one name goes above, the other below.
    alike = [c for c in choice.candidates if c.model.network is model.network]
    above = candidate is max(alike, key=lambda c: c.accuracy.value)
    left = candidate.milliseconds > 0.4 * slowest
    chosen = candidate is choice.chosen
    panel.annotate(
        f"{model.name} (chosen)" if chosen else model.name,
        point,
        fontsize=8.5,
        xytext=(-13 if left else 13, 12 if above else -18),
        textcoords="offset points",
        ha="right" if left else "left",
        weight="bold" if chosen else None,
    )
