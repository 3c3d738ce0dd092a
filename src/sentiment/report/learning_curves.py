"""A picture of what runs reached epoch by epoch."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sentiment.base import files
from sentiment.runs import history_file
from sentiment.runs.run_files import Run


def draw(runs: dict[str, Run], title: str, file: Path) -> None:
    """Draw loss and accuracy of each run, in training and validation, as PNG or SVG.

    Args:
        runs: by the name to show; each must have written its history.
        title: what was trained on what.
        file: the picture; its suffix is its format.

    Raises:
        UserError: a history is not there or damaged.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(1, 2)
    for number, (name, run) in enumerate(runs.items()):
        curves(panels, history_file.epochs(run.history), f"C{number}", f"{name}, ")
    panels[1].legend(frameon=False, loc="lower right")
    with files.whole_file(file) as temporary:
        figure.savefig(temporary, dpi=150)


def curves(panels: Sequence[Axes], history: pd.DataFrame, colour: str, name: str = "") -> None:
    """Draw one run's loss and accuracy into two panels.

    The epoch whose weights were kept, that of the least validation loss, is marked.

    Args:
        history: columns of the history CSV.
        name: what the legend puts before "training" and "validation".
    """
    kept = history.loc[history["val_loss"].idxmin()]
    for panel, metric in zip(panels, ("loss", "accuracy"), strict=True):
        epochs, validation = history["epoch"], history["val_" + metric]
        panel.plot(epochs, history[metric], "--", color=colour, label=f"{name}training")
        panel.plot(epochs, validation, "-", color=colour, label=f"{name}validation")
        panel.plot(kept["epoch"], kept["val_" + metric], "o", color=colour)
        panel.set(xlabel="epoch (dot: weights kept)", ylabel=metric)
        panel.grid(alpha=0.3)
        panel.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
    panels[1].set_ylim(0, 1.03)
