"""A picture of how wide, high and large a collection's photos are."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sentiment.base import files

BINS = 60

SHOWN_PERCENT = 99.5
"""The axis ends at this percentile, or the few largest photos would squeeze all others together."""


def draw(measures: dict[str, np.ndarray], title: str, outputs: list[Path]) -> None:
    """Draw a histogram of each measure with its mean, standard deviation and median.

    Args:
        measures: the photos' values, shape (n,), by the name to show, such as "width, px".
        title: title of the whole picture.
        outputs: the pictures' files; a file's suffix is its format.
    """
    figure = Figure(figsize=(4 * len(measures), 3.8), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(1, len(measures))
    for panel, (name, values) in zip(panels, measures.items(), strict=True):
        panel.set(xlabel=name, ylabel="photos")
        panel.spines[["top", "right"]].set_visible(False)
        if len(values):
            _draw(panel, values)
    for file in outputs:
        with files.whole_file(file) as temporary:
            figure.savefig(temporary, dpi=150)


def _draw(panel: Axes, values: np.ndarray) -> None:
    mean, sd, median = values.mean(), values.std(), np.median(values)
    end = np.percentile(values, SHOWN_PERCENT)
    step = max(1, int(np.ceil(end / BINS)))  # whole pixels, or some bins would hold one more
    edges = np.arange(0, end + step + 1, step)
    panel.axvspan(mean - sd, mean + sd, color="C1", alpha=0.2, lw=0, zorder=0)
    panel.hist(values, edges.tolist(), color="C0", alpha=0.8)
    panel.axvline(mean, color="C1", label=f"mean {mean:,.0f} ± {sd:,.0f} (shaded)")
    panel.axvline(median, color="0.2", ls="--", label=f"median {median:,.0f}")
    panel.set_xlim(0, edges[-1])
    beyond = int((values > edges[-1]).sum())
    if beyond:
        panel.set_xlabel(f"{panel.get_xlabel()} ({beyond:,} beyond, up to {values.max():,.0f})")
    panel.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, fontsize="small"
    )
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter("{x:,.0f}")
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
