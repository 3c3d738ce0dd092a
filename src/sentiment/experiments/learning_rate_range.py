"""What `scripts/learning_rate_range.py` runs: a range test (Smith, 2017), its table and picture."""

import csv
import itertools
import logging
import math
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import tyro

from sentiment.base import cli, files
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.engine import backend
from sentiment.model import networks
from sentiment.model.networks import NetworkChoice
from sentiment.model.recipe import Recipe
from sentiment.runs import training_plan
from sentiment.runs.run_files import Run, TrainingData

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/learning_rate_range.py`."""

    choice: NetworkChoice = field(default_factory=NetworkChoice)
    data: TrainingData = field(default_factory=TrainingData)
    lowest: float = 1e-5
    """Learning rate of the first update."""
    highest: float = 10.0
    """Learning rate of the last update."""
    updates: int = 100
    """Number of updates; the learning rate rises by the same factor at each."""
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
    from sentiment.experiments import range_reading, rising_rate  # Keras and more, not for --help

    losses = np.array(list(rising_rate.losses_at(training, rates)))
    rates = rates[: len(losses)]
    smooth = range_reading.smoothed(losses, options.updates)
    reading = range_reading.read(rates, losses, smooth, options.updates)

    table = run.log_file("_learning_rate_range.csv")
    picture = table.with_suffix(".png")
    with files.whole_file(table) as temporary, temporary.open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["update", "learning_rate", "loss", "smoothed_loss"])
        rows.writerows(zip(itertools.count(1), rates, losses, smooth, strict=False))
    range_reading.draw(rates, losses, smooth, reading, title, picture)
    for line in range_reading.in_words(reading, rates[-1]):
        log.info("%s", line)
    log.info("Saved %s", table)
    log.info("Saved %s", picture)
