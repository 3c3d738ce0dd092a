"""The learning-rate range test (Smith, 2017): a short training whose rate rises all the time."""

import csv
import itertools
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from sentiment.base import cli, files
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.engine import backend
from sentiment.model import networks
from sentiment.model.networks import NetworkChoice
from sentiment.model.recipe import Recipe
from sentiment.runs import training_plan
from sentiment.runs.run_files import Run, TrainingData

log = logging.getLogger(__name__)

SPREAD = 1 / 40
"""Of the updates: standard deviation of the Gaussian by which losses are smoothed."""

TOO_HIGH = 4.0
"""Times the first loss: there is no use to go on from there."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/learning_rate_range.py`."""

    choice: NetworkChoice = field(default_factory=NetworkChoice)
    data: TrainingData = field(default_factory=TrainingData)
    lowest: float = 1e-5
    """Learning rate of the first update."""
    highest: float = 10.0
    """Of the last one."""
    updates: int = 100
    """Between them the rate rises by the same factor at each."""
    folders: Folders = field(default_factory=Folders)
    recipe_flags: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """After --, what the training will be given, such as -- --optimizer adam --weights FILE."""

    def __post_init__(self) -> None:
        if not 0 < self.lowest < self.highest < math.inf:
            raise UserError(
                f"--lowest {self.lowest:g} --highest {self.highest:g}: expected numbers over 0, "
                "the lowest first"
            )
        if self.updates < 20:
            raise UserError(f"--updates {self.updates}: expected 20 or more")


@dataclass(frozen=True)
class Found:
    """What the losses say; learning rates, None where there is none."""

    steepest: float | None
    """Where the smoothed loss falls most for a given factor of the rate."""
    least: float | None
    """Where it is least."""
    diverged: float | None
    """Where, beyond that, a batch's loss is over all of the first tenth's."""


@cli.command()
def main() -> None:
    """Run `scripts/learning_rate_range.py`."""
    find(cli.parse(Options))


def find(options: Options) -> None:
    """Train for some updates, write table and picture, and say which rate to take.

    Raises:
        UserError: a flag is wrong, or the data or the FT-F model are missing.
    """
    network = networks.named(options.choice.network)
    stated = network.recipes[options.choice.layers]
    recipe = cli.parse_words(Recipe, stated, list(options.recipe_flags))
    run = Run(options.choice.network, options.choice.layers, options.data, options.folders)
    dataset = Dataset(options.folders.data_dir, run.dataset)
    head_from = training_plan.head_model(recipe, dataset, run)
    title = (
        f"{network.architecture.title} {run.way} by {recipe.optimizer} in batches of "
        f"{recipe.batch_size} on {run.percent:g} % of {run.dataset}"
    )
    log.info("%s", title)
    log.info("  learning rate from %g to %g in %d updates", options.lowest, options.highest,
             options.updates)  # fmt: skip
    backend.start(recipe.seed, recipe.precision, recipe.deterministic)
    training = training_plan.Training(network.architecture, recipe, dataset, run, head_from)
    rates = np.geomspace(options.lowest, options.highest, options.updates)
    losses = np.array(list(_losses(training, rates)))
    rates = rates[: len(losses)]
    smooth = smoothed(losses, options.updates)
    found = read(rates, losses, smooth, options.updates)

    table = run.log_file("_learning_rate_range.csv")
    picture = table.with_suffix(".png")
    with files.whole_file(table) as temporary, temporary.open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["update", "learning_rate", "loss", "smoothed_loss"])
        rows.writerows(zip(itertools.count(1), rates, losses, smooth, strict=False))
    _draw(rates, losses, smooth, found, title, picture)
    for line in in_words(found, rates[-1]):
        log.info("%s", line)
    log.info("Saved %s", table)
    log.info("Saved %s", picture)


def _losses(training: training_plan.Training, rates: np.ndarray) -> Iterator[float]:
    """The loss of each update's batch before the update.

    One that is no number, or more than TOO_HIGH times the first, counts as so much and is the last.
    """
    from keras.optimizers.schedules import ExponentialDecay

    from sentiment.engine.batches import Batches, reading
    from sentiment.training import fit
    from sentiment.training.optimizer import build_optimizer, compile_model, targets
    from sentiment.training.schedule import Schedule

    recipe, parts = training.recipe, training.recipe.gradient_accumulation_steps
    setup = fit.Setup(training)
    learner, learned = setup.learner, setup.inputs["train"]
    smoothed_labels = targets(recipe, len(training.dataset.class_names), learning=True)
    step = recipe.batch_size // parts
    batches = Batches(learned, learned.rows, step, recipe.seed, smoothed_labels)
    rising = ExponentialDecay(float(rates[0]), len(rates) - 1, float(rates[-1] / rates[0]))
    optimizer = build_optimizer(recipe, Schedule(rising, parts))
    compile_model(learner, optimizer, smoothed=smoothed_labels is not None)
    whole = max(1, len(learned.rows) // step)  # the last batch may be smaller: other losses
    endless = (
        (epoch, index) for epoch in itertools.count() for index in range(min(whole, len(batches)))
    )
    limit = None
    with progress("updates", len(rates), unit="updates") as advance, reading(batches):
        for _ in rates:
            of_parts = []
            for epoch, index in itertools.islice(endless, parts):
                if epoch != batches.epoch:
                    batches.start_epoch(epoch)
                learner.reset_metrics()
                of_parts.append(learner.train_on_batch(*batches[index], return_dict=True)["loss"])
            loss = float(np.mean(of_parts))
            limit = limit or TOO_HIGH * loss
            if not loss < limit:
                yield limit
                return
            yield loss
            advance(1)


def smoothed(losses: np.ndarray, updates: int) -> np.ndarray:
    """The losses without most of the chance of their batches, and without their explosion."""
    from scipy.ndimage import gaussian_filter1d

    level = losses[: updates // 10].max()
    return gaussian_filter1d(np.minimum(losses, level), SPREAD * updates, mode="nearest")


def read(rates: np.ndarray, losses: np.ndarray, smooth: np.ndarray, updates: int) -> Found:
    """Read the losses as Smith does; where they never fall beyond chance, nothing is found."""
    first, least = losses[: updates // 10], int(smooth.argmin())
    if first.mean() - smooth[least] <= 2 * first.std():
        return Found(None, None, None)
    slope = np.gradient(smooth, np.log(rates))
    above = np.flatnonzero(losses[least:] > first.max())
    return Found(
        steepest=float(rates[slope[: least + 1].argmin()]),
        least=float(rates[least]),
        diverged=float(rates[least + above[0]]) if len(above) else None,
    )


def in_words(found: Found, last: float) -> Iterator[str]:
    """What was found, and the rate to take by it.

    Args:
        last: the rate of the last update.
    """
    if found.least is None:
        yield f"The loss does not fall beyond chance at any rate up to {last:.2g}: nothing to say"
        return
    diverged = f"does not diverge up to {last:.2g}"
    if found.diverged is not None:
        diverged = f"diverges at {found.diverged:.2g}"
    yield (
        f"The loss falls most steeply at {found.steepest:.2g}, is least at {found.least:.2g} and "
        f"{diverged}"
    )
    yield f"Suggested: --learning-rate {found.steepest:.2g}, where the loss falls most steeply"
    yield (
        f"  as the highest of --schedule triangular or one-cycle: up to {found.least:.2g}, where "
        "the loss is least (Smith, 2017)"
    )


def _draw(
    rates: np.ndarray,
    losses: np.ndarray,
    smooth: np.ndarray,
    found: Found,
    title: str,
    file: Path,
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(rates, losses, ".", color="0.7", label="a batch's loss")
    axes.plot(rates, smooth, color="C0", label="smoothed")
    marked = {"steepest fall": found.steepest, "least": found.least, "diverged": found.diverged}
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
