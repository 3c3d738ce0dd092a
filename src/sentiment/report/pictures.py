"""The report's pictures. Colours are Okabe and Ito's, which colour-blind people tell apart."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sentiment.report import learning_curves, published
from sentiment.report.choice import Choice
from sentiment.report.published_data import Data
from sentiment.runs import scores
from sentiment.runs.accuracy import accuracy, confusion
from sentiment.runs.collect import TrainedModel
from sentiment.runs.predictions import Predictions
from sentiment.runs.significance import Comparison

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of the networks, in their order."""

INK, PAPER = "#1a1a2e", "#fefefe"
"""Of text and background: two colours that a page may change, see `svg`."""

PUBLISHED = {"report": "x", "paper": "+"}
"""Markers of others' figures."""


@dataclass(frozen=True)
class Picture:
    """A drawing and what it shows."""

    name: str
    """Of its files."""
    caption: str
    alternative: str
    """What it shows, with its figures, for who cannot see it."""
    figure: Figure

    def save(self, folder: Path) -> None:
        """Write it as PNG and SVG."""
        (folder / f"{self.name}.svg").write_text(self._drawn)
        self.figure.set_layout_engine("none")  # as it has just been laid out
        with style():
            self.figure.savefig(folder / f"{self.name}.png", dpi=150)

    @cached_property
    def _drawn(self) -> str:
        """As SVG in INK on PAPER."""
        box = io.StringIO()
        with style():
            self.figure.savefig(box, format="svg", metadata={"Date": None})
        return box.getvalue()

    def svg(self) -> str:
        """As SVG whose ink and paper follow the reader's choice of light or dark."""
        text = self._drawn.replace(INK, "var(--ink)").replace(PAPER, "var(--paper)")
        style = (
            f"<style>:root{{--ink:{INK};--paper:none}}"
            "@media screen and (prefers-color-scheme:dark){:root{--ink:#e4e6eb}}</style>"
        )
        head, body = text.split("<defs>", 1)
        return f"{head}{style}<defs>{body}"

    @property
    def width(self) -> int:
        """In CSS pixels."""
        return round(96 * self.figure.get_figwidth())

    def uri(self) -> str:
        """The same as a data URI."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg().encode()).decode()


@contextmanager
def style() -> Iterator[None]:
    """Draw in the report's colours and letters during the block."""
    ink = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    )
    paper = dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), PAPER)
    more = {
        "font.size": 10, "axes.titlesize": 10, "svg.fonttype": "none", "svg.hashsalt": "report",
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
        "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    }  # fmt: skip
    with matplotlib.rc_context(ink | paper | more):
        yield


def draw_all(
    models: list[TrainedModel], data: Data, ttd: Data, comparisons: list[Comparison], choice: Choice
) -> list[Picture]:
    """Every picture that there are figures for, in the order of the report."""
    with style():
        return list(_pictures(models, data, ttd, comparisons, choice))


def _pictures(
    models: list[TrainedModel], data: Data, ttd: Data, comparisons: list[Comparison], choice: Choice
) -> Iterator[Picture]:
    tested = [m for m in models if m.own is not None]
    on_ttd = [m for m in models if m.ttd is not None]
    curves = [m for m in models if m.history is not None]
    if choice.candidates:
        yield _pareto(models, choice)
    if tested:
        yield _accuracy(models, tested, data)
    if comparisons:
        yield _differences([m.name for m in tested], comparisons)
    if on_ttd:
        yield _ttd(models, on_ttd, ttd)
    if curves:
        yield _curves(models, curves)
    if tested:
        yield _confusion(tested)
        yield _reliability(models, tested)


def _colour(models: list[TrainedModel], model: TrainedModel) -> str:
    networks = list(dict.fromkeys(m.run.architecture for m in models))
    return COLOURS[networks.index(model.run.architecture) % len(COLOURS)]


def _fill(model: TrainedModel) -> str:
    """FT-F is hollow, FT-A full."""
    return "none" if model.run.layers == "fc" else "full"


def _accuracy(models: list[TrainedModel], tested: list[TrainedModel], data: Data) -> Picture:
    theirs = {"report": published.TEST_REPORT, "paper": published.TEST_PAPER}
    figure = Figure(figsize=(7, 1.2 + 0.42 * len(tested)), layout="constrained")
    panel = figure.subplots()
    said = _intervals(panel, models, [(m, m.own) for m in tested], theirs if data.published else {})
    _legend(figure, panel)
    panel.set_xlabel(f"accuracy on the test split of {data.name}, 95 % interval")
    return Picture("test_accuracy", "Test accuracy with Wilson's 95 % intervals"
                   + _caveat(data), f"Accuracy by model: {said}.", figure)  # fmt: skip


def _ttd(models: list[TrainedModel], on_ttd: list[TrainedModel], data: Data) -> Picture:
    figure = Figure(figsize=(9, 1.5 + 0.42 * len(on_ttd)), layout="constrained")
    panels = figure.subplots(1, len(published.TTD_IMAGES), sharey=True, sharex=True)
    said = []
    for panel, level in zip(panels, published.TTD_IMAGES, strict=True):
        theirs = {
            "report": published.TTD_REPORT.get(level, {}), "paper": published.TTD_PAPER[level]
        }  # fmt: skip
        shown = [(m, m.ttd.agreed(level)) for m in on_ttd]
        shown = [(m, p) for m, p in shown if len(p)]
        spoken = _intervals(panel, models, shown, theirs if data.published else {})
        said.append(f"at least {level} agree: {spoken}")
        n = len(shown[0][1]) if shown else 0
        panel.set(title=f"at least {level} agree, n = {n:,}", xlabel="accuracy")
    _legend(figure, panels[0])
    return Picture("ttd_accuracy", "Accuracy on TTD by annotators that agree, 95 % intervals"
                   + _caveat(data), f"{'; '.join(said)}.", figure)  # fmt: skip


def _intervals(
    panel: Axes,
    models: list[TrainedModel],
    shown: list[tuple[TrainedModel, Predictions]],
    theirs: dict[str, dict],
) -> str:
    """A row a model: its accuracy with its interval, and others'; returns them in words."""
    words, labelled = [], set()
    for row, (model, predictions) in enumerate(shown):
        reached = accuracy(predictions.y_true, predictions.y_pred)
        low, high = reached.interval
        # Rounding may put an end at 0 or 1 a hair inside the value.
        errors = [[max(0, reached.value - low)], [max(0, high - reached.value)]]
        panel.errorbar(reached.value, row, xerr=errors, fmt="o", capsize=3, markersize=7,
                       color=_colour(models, model), fillstyle=_fill(model))  # fmt: skip
        words.append(f"{model.name} {reached.value:.4f} ({low:.4f} to {high:.4f})")
        for name, marker in PUBLISHED.items():
            value = theirs.get(name, {}).get(model.key)
            if value is not None:
                label = None if name in labelled else name
                labelled.add(name)
                panel.plot(value, row, marker, color=INK, label=label, markersize=7)
    panel.set_yticks(range(len(shown)), [model.name for model, _ in shown])
    panel.set_ylim(len(shown) - 0.4, -0.6)
    panel.grid(axis="x", alpha=0.3)
    return "; ".join(words)


def _legend(figure: Figure, panel: Axes) -> None:
    """Say which marks are others'."""
    handles, labels = panel.get_legend_handles_labels()
    if labels:
        figure.legend(handles, labels, loc="outside lower right", ncols=2)


def _caveat(data: Data) -> str:
    marks = "; beside them the report's and the paper's" if data.published else ""
    return f"{marks}{', of other data: do not compare' if data.difference else ''}."


def _differences(names: list[str], comparisons: list[Comparison]) -> Picture:
    size = len(names)
    points = np.full((size, size), np.nan)
    figure = Figure(figsize=(2.6 + 0.95 * size, 1.7 + 0.7 * size), layout="constrained")
    panel = figure.subplots()
    largest = max(abs(100 * c.difference) for c in comparisons) or 1
    for c in comparisons:
        row, column = names.index(c.first), names.index(c.second)
        points[row, column], points[column, row] = 100 * c.difference, -100 * c.difference
    panel.imshow(points, cmap="PuOr", vmin=-2 * largest, vmax=2 * largest)
    for c in comparisons:
        for first, second, sign in ((c.first, c.second, 1), (c.second, c.first, -1)):
            by = f"{100 * sign * c.difference + 0.0:+.1f}{'*' if c.real else ''}"  # no -0.0
            panel.text(names.index(second), names.index(first), f"{by}\np {c.p_holm:.2g}",
                       ha="center", va="center", color="#000000", fontsize=8.5,
                       weight="bold" if c.real else None)  # fmt: skip
    panel.set_xticks(range(size), names, rotation=35, ha="right")
    panel.set_yticks(range(size), names)
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    real = [f"{c.first} and {c.second}" for c in comparisons if c.real]
    return Picture(
        "differences",
        "Accuracy of the row's model less that of the column's, in points, on the same test "
        "images, with McNemar's p after Holm's correction; * marks the differences that are real.",
        f"Differences that are real: {', '.join(real) or 'none'}.", figure,
    )  # fmt: skip


def _curves(models: list[TrainedModel], shown: list[TrainedModel]) -> Picture:
    figure = Figure(figsize=(9, 2.5 * len(shown)), layout="constrained")
    rows = figure.subplots(len(shown), 2, squeeze=False)
    words = []
    for panels, model in zip(rows, shown, strict=True):
        history = model.history
        learning_curves.curves(panels, history, _colour(models, model))
        panels[0].set_title(model.name, loc="left")
        kept = history.loc[history["val_loss"].idxmin()]
        words.append(
            f"{model.name}: epoch {kept['epoch']:g} of {len(history)} kept, "
            f"validation accuracy {kept['val_accuracy']:.4f}"
        )
    rows[0][1].legend(loc="lower right")
    return Picture("learning_curves", "Loss and accuracy by epoch; the dot marks the epoch whose "
                   "weights were kept. Losses of VGG19 hold the weight decay's penalty.",
                   f"{'; '.join(words)}.", figure)  # fmt: skip


def _grid(count: int, height: float, columns: int = 3) -> tuple[Figure, list]:
    """A figure with so many panels, and these."""
    rows = -(-count // columns)
    figure = Figure(figsize=(9, height * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[count:]:
        panel.set_axis_off()
    return figure, list(panels[:count])


def _confusion(tested: list[TrainedModel]) -> Picture:
    figure, panels = _grid(len(tested), 3.1)
    words = []
    for panel, model in zip(panels, tested, strict=True):
        names = model.own.class_names
        counts = confusion(model.own.y_true, model.own.y_pred, len(names))
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        if len(names) <= 10:
            for row, column in np.ndindex(counts.shape):
                colour = "#ffffff" if shares[row, column] > 0.55 else "#000000"
                text = f"{shares[row, column]:.0%}\n{counts[row, column]:,}"
                panel.text(column, row, text, ha="center", va="center", color=colour, fontsize=8.5)
            panel.set_xticks(range(len(names)), names, rotation=30, ha="right")
            panel.set_yticks(range(len(names)), names)
        panel.set(title=model.name, ylabel="true", xlabel="said")
        panel.spines[:].set_visible(False)
        right = ", ".join(
            f"{names[label]} {shares[label, label]:.0%}" for label in range(min(10, len(names)))
        )
        words.append(f"{model.name}: right of {right}")
    return Picture("confusion", "Confusion matrices of the test split: of each true class (row), "
                   "the share and number of images said to be each class.",
                   f"{'; '.join(words)}.", figure)  # fmt: skip


def _reliability(models: list[TrainedModel], tested: list[TrainedModel]) -> Picture:
    figure, panels = _grid(len(tested), 2.9)
    words = []
    for panel, model in zip(panels, tested, strict=True):
        bins = scores.reliability(model.own)
        confidence, reached = [b.confidence for b in bins], [b.accuracy for b in bins]
        most = max(b.images for b in bins)
        panel.plot([0, 1], [0, 1], ":", color=INK, linewidth=1)
        panel.plot(confidence, reached, "-", color=_colour(models, model), alpha=0.5)
        panel.scatter(confidence, reached, color=_colour(models, model),
                      s=[12 + 90 * b.images / most for b in bins])  # fmt: skip
        ece = scores.scores(model.own).ece
        panel.set(title=f"{model.name}, ECE {ece:.3f}", xlim=(0, 1.02), ylim=(-0.02, 1.02),
                  xlabel="confidence", ylabel="accuracy")  # fmt: skip
        panel.grid(alpha=0.3)
        words.append(f"{model.name} {ece:.4f}")
    return Picture("reliability", f"Reliability on the test split, {scores.BINS} bins of equal "
                   "width; the dotted line is perfect, a dot's area grows with its images.",
                   f"Expected calibration error: {'; '.join(words)}.", figure)  # fmt: skip


def _pareto(models: list[TrainedModel], choice: Choice) -> Picture:
    figure = Figure(figsize=(7.5, 4), layout="constrained")
    panel = figure.subplots()
    largest = max(c.bytes for c in choice.candidates)
    slowest = max(c.milliseconds for c in choice.candidates)
    words = []
    for c in sorted(choice.candidates, key=lambda c: -c.bytes):
        colour = _colour(models, c.model)
        low, high = c.accuracy.interval
        errors = [[max(0, c.accuracy.value - low)], [max(0, high - c.accuracy.value)]]
        panel.errorbar(c.milliseconds, c.accuracy.value, yerr=errors, color=colour, capsize=3,
                       alpha=0.55)  # fmt: skip
        face = colour if c.model.run.layers == "all" else "none"
        panel.scatter(c.milliseconds, c.accuracy.value, s=30 + 400 * c.bytes / largest,
                      facecolors=face, edgecolors=colour, linewidths=1.5)  # fmt: skip
        # Both ways of a network cost the same: one name goes above, the other below.
        alike = [o for o in choice.candidates if o.model.network is c.model.network]
        above = c is max(alike, key=lambda o: o.accuracy.value)
        left = c.milliseconds > 0.4 * slowest
        panel.annotate(f"{c.model.name}{' (chosen)' if c is choice.chosen else ''}",
                       (c.milliseconds, c.accuracy.value), fontsize=8.5,
                       xytext=(-13 if left else 13, 12 if above else -18),
                       textcoords="offset points", ha="right" if left else "left",
                       weight="bold" if c is choice.chosen else None)  # fmt: skip
        words.append(
            f"{c.model.name} {c.accuracy.value:.4f} at {c.milliseconds:.1f} ms and "
            f"{c.bytes / 1e6:.1f} MB{', on the front' if c.front else ''}"
        )
    front = sorted((c.milliseconds, c.accuracy.value) for c in choice.candidates if c.front)
    panel.plot(*zip(*front, strict=True), "--", color=INK, linewidth=1, alpha=0.4, zorder=0)
    panel.set(xlabel=f"milliseconds an image on a CPU ({choice.format})", ylabel="test accuracy")
    panel.set_xlim(0, 1.1 * slowest)
    panel.yaxis.set_major_locator(MaxNLocator(6))
    panel.grid(alpha=0.3)
    return Picture("choice", "Accuracy against inference time; a dot's area is the size of the "
                   "weights, the dashed line the Pareto front.", f"{'; '.join(words)}.",
                   figure)  # fmt: skip
