"""The picture of a sweep: a row a trial, with its accuracies and their intervals."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sentiment.experiments.sweep.presentation import Trials, best_first, settings_in_words
from sentiment.experiments.sweep.trial import Finished
from sentiment.runs.accuracy import Commonest
from sentiment.runs.picture import (
    COLOURS,
    Picture,
    draw_commonest,
    interval_mark,
    name_rows,
    style,
)

MARKS = {
    "training": ("|", COLOURS[5], -0.22),
    "validation": ("o", COLOURS[0], 0.0),
    "test": ("D", COLOURS[1], 0.22),
}
"""Mark, colour and place in a trial's row, by split."""


def draw(trials: Trials, fields: list[str], name: str, title: str, commonest: Commonest) -> Picture:
    """Draw the trials, in the order of the tables.

    Args:
        fields: the settings in which the trials differ.
        name: name of the picture's files.
        commonest: the commonest class of the test split.
    """
    ordered = best_first(trials)
    words = []
    with style([commonest.class_name]):
        figure = Figure(figsize=(9, 1.6 + 0.3 * len(ordered)), layout="constrained")
        panel = figure.subplots()
        for row, trial in enumerate(ordered):
            if isinstance(trial, Finished):
                outcome = _draw_accuracies(panel, row, trial)
            else:
                outcome = trial.outcome
                panel.text(commonest.share, row, f"  {outcome}", va="center", fontsize=8.5)
            words.append(f"{settings_in_words(trial, fields)}: {outcome}")
        for split, (mark, colour, _) in MARKS.items():
            panel.plot([], [], mark, color=colour, label=split, markersize=6)
        draw_commonest(panel.axvline, commonest)
        name_rows(panel, [f"{settings_in_words(t, fields)}  ({t.number})" for t in ordered])
        panel.tick_params(axis="y", labelsize=8.5)
        panel.set(xlabel="accuracy, 95 % interval", title=title)
        figure.legend(loc="outside lower right", ncols=4)
    caption = f"{title}. Best first by validation; in brackets the trial's number."
    return Picture(name, caption, "; ".join([*words, f"test split, {commonest}"]), figure)


def _draw_accuracies(panel: Axes, row: int, trial: Finished) -> str:
    """Draw a trial's accuracies in its row; return validation and test in words."""
    for split, (mark, colour, shift) in MARKS.items():
        accuracy = trial.accuracy(split)
        panel.errorbar(
            accuracy.value,
            row + shift,
            xerr=interval_mark(accuracy.value, accuracy.interval),
            fmt=mark,
            color=colour,
            markersize=4.5,
            capsize=0,
            linewidth=1.2,
        )
    return " and ".join(f"{s} {trial.accuracy(s).value:.4f}" for s in ("validation", "test"))
