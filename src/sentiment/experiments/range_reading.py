"""What the losses of a learning-rate range test tell (Smith, 2017), in words and as a picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter1d

from sentiment.base import files

SPREAD = 1 / 40
"""Standard deviation of the Gaussian that smooths the losses, as a share of the updates."""


@dataclass(frozen=True)
class RangeReading:
    """Learning rates that the losses tell; None where there is none."""

    steepest: float | None
    """Where the smoothed loss falls most for a given factor of the rate."""
    least: float | None
    """Where the smoothed loss is least."""
    diverged: float | None
    """Where, beyond the least, a batch's loss is over all of the first tenth's."""


def smoothed(losses: np.ndarray, updates: int) -> np.ndarray:
    """The losses, smoothed by a Gaussian; what is over the first tenth's highest is cut off."""
    level = losses[: updates // 10].max()
    return gaussian_filter1d(np.minimum(losses, level), SPREAD * updates, mode="nearest")


def read(rates: np.ndarray, losses: np.ndarray, smooth: np.ndarray, updates: int) -> RangeReading:
    """Read the losses as Smith does; where they never fall beyond chance, nothing is reading."""
    first, least = losses[: updates // 10], int(smooth.argmin())
    if first.mean() - smooth[least] <= 2 * first.std():
        return RangeReading(None, None, None)
    slope = np.gradient(smooth, np.log(rates))
    above = np.flatnonzero(losses[least:] > first.max())
    return RangeReading(
        steepest=float(rates[slope[: least + 1].argmin()]),
        least=float(rates[least]),
        diverged=float(rates[least + above[0]]) if len(above) else None,
    )


def in_words(reading: RangeReading, last: float) -> Iterator[str]:
    """What the losses tell, and the learning rate to take.

    Args:
        last: the rate of the last update.
    """
    if reading.least is None:
        yield f"The loss does not fall beyond chance at any rate up to {last:.2g}: nothing to say"
        return
    diverged = f"does not diverge up to {last:.2g}"
    if reading.diverged is not None:
        diverged = f"diverges at {reading.diverged:.2g}"
    yield (
        f"The loss falls most steeply at {reading.steepest:.2g}, is least at {reading.least:.2g} "
        f"and {diverged}"
    )
    yield f"Suggested: --learning-rate {reading.steepest:.2g}, where the loss falls most steeply"
    yield (
        f"  as the highest of --schedule triangular or one-cycle: up to {reading.least:.2g}, where "
        "the loss is least (Smith, 2017)"
    )


def draw(
    rates: np.ndarray,
    losses: np.ndarray,
    smooth: np.ndarray,
    reading: RangeReading,
    title: str,
    file: Path,
) -> None:
    """Draw the losses by learning rate, and mark the rates that they tell."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(rates, losses, ".", color="0.7", label="a batch's loss")
    axes.plot(rates, smooth, color="C0", label="smoothed")
    marked = {
        "steepest fall": reading.steepest,
        "least": reading.least,
        "diverged": reading.diverged,
    }
    for colour, (name, rate) in zip(("C2", "C1", "C3"), marked.items(), strict=True):
        if rate is not None:
            axes.axvline(rate, color=colour, linestyle="--", label=f"{name}, {rate:.2g}")
    low, high = losses.min(), smooth.max()
    axes.set_ylim(low - 0.1 * (high - low), high + 0.3 * (high - low))
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss", title=title)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    with files.whole_file(file) as temporary:
        figure.savefig(temporary, dpi=150)
