"""A picture of what runs reached epoch by epoch."""

import csv
from pathlib import Path

from matplotlib.figure import Figure

from sentiment import files
from sentiment.runs import Run


def draw(runs: dict[str, Run], title: str, file: Path) -> None:
    """Draw loss and accuracy of each run, in training and validation, as PNG or SVG.

    The epoch whose weights were kept, that of the least validation loss, is marked.

    Args:
        runs: by the name to show; each must have written its history.
        title: what was trained on what.
        file: the picture; its suffix is its format.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(1, 2)
    for number, (name, run) in enumerate(runs.items()):
        with run.history.open(newline="") as lines:
            rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]
        epochs = [row["epoch"] for row in rows]
        kept = min(rows, key=lambda row: row["val_loss"])
        for panel, figure_name in zip(panels, ("loss", "accuracy"), strict=True):
            colour = f"C{number}"
            training, validation = (
                [row[prefix + figure_name] for row in rows] for prefix in ("", "val_")
            )
            panel.plot(epochs, training, "--", color=colour, label=f"{name}, training")
            panel.plot(epochs, validation, "-", color=colour, label=f"{name}, validation")
            panel.plot(kept["epoch"], kept["val_" + figure_name], "o", color=colour)
            panel.set(xlabel="epoch (dot: weights kept)", ylabel=figure_name)
    panels[1].set_ylim(0, 1.03)
    panels[1].legend(frameon=False, loc="lower right")
    for panel in panels:
        panel.grid(alpha=0.3)
        panel.xaxis.get_major_locator().set_params(integer=True)
    with files.whole_file(file) as temporary:
        figure.savefig(temporary, dpi=150)
