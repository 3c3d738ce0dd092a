"""What `scripts/sweep.py` runs: reads what is to be tried, says it, and tries it."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from sentiment.base import cli, files
from sentiment.base.project import Folders
from sentiment.base.time_budget import TimeBudget
from sentiment.data.dataset import Dataset
from sentiment.engine import backend
from sentiment.experiments.sweep import space
from sentiment.experiments.sweep.trial import Objective
from sentiment.model import networks
from sentiment.model.networks import NetworkChoice
from sentiment.model.recipe import Recipe
from sentiment.runs import event_file
from sentiment.runs.run_files import Run, TrainingData

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/sweep.py`."""

    choice: NetworkChoice = field(default_factory=NetworkChoice)
    data: TrainingData = field(default_factory=TrainingData)
    grid: tuple[str, ...] = ()
    """Every combination of these settings, such as learning-rate=1e-2,1e-3 optimizer=sgd,adam.
    Without --grid, --search and --file it is what the replication report tried by hand:
    three optimisers, learning rates from 1 to 1e-3, batches of 64 and 128."""
    search: tuple[str, ...] = ()
    """What Optuna draws from: learning-rate=1e-4..1 (log-uniformly, where a range's end is ten
    times its beginning or more), momentum=0.5..0.9, optimizer=sgd,adam."""
    file: Path | None = None
    """A TOML file with the tables grid or search, and trials and search_seed, instead."""
    trials: int = 20
    """Trials to draw in a search."""
    search_seed: int = 1
    """Seed of the drawing."""
    objective: Objective = "accuracy"
    """What trials are ranked by, in validation; balanced-accuracy is the mean of the classes'
    recalls, in which a small class counts as much as a large one."""
    folders: Folders = field(default_factory=Folders)
    max_minutes: float | None = None
    """Stop after the last epoch that ends within so many minutes, as measured; the same command
    goes on."""
    tensorboard: bool = False
    """Keep a record of each trial for TensorBoard as well, an optional package."""
    dry_run: bool = False
    """Say what would be tried, and stop."""
    recipe_flags: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """After --, what all trials have in common, such as -- --epochs 5 --weights FILE."""


@cli.command()
def main() -> None:
    """Run `scripts/sweep.py`."""
    sweep(cli.parse(Options))


def sweep(options: Options) -> None:
    """Try every recipe that was not tried before, and say what came of all.

    Raises:
        UserError: a flag is wrong, the data, the FT-F model or TensorBoard are missing, or a trial
            failed for another reason than a loss that is no number.
    """
    budget = TimeBudget(options.max_minutes)
    if options.tensorboard:
        event_file.check_installed()
    network = networks.named(options.choice.network)
    stated = network.recipes[options.choice.layers]
    base = cli.parse_words(Recipe, stated, list(options.recipe_flags))
    wanted = space.read(
        base, options.grid, options.search, options.file, options.trials, options.search_seed
    )
    run = Run(options.choice.network, options.choice.layers, options.data, options.folders)
    dataset = Dataset(options.folders.data_dir, run.dataset)
    folder = options.folders.logs_dir / run.dataset / f"sweep_{run.name}"
    count = wanted.trials or len(wanted.grid())
    way = "drawn by Optuna" if wanted.trials else "a grid"
    log.info("%s %s on %g %% of %s: %d trials, %s", network.architecture.title, run.way,
             run.percent, run.dataset, count, way)  # fmt: skip
    for name, values in wanted.lists.items():
        log.info("  %s: %s", name.replace("_", " "), ", ".join(values))
    for name, ends in wanted.ranges.items():
        log.info("  %s: %s to %s", name.replace("_", " "), *ends)
    log.info("  writes %s", folder / "sweep{.csv,.md,.json,.png,.svg}")
    if options.dry_run:
        return
    with files.locked(folder):
        started = backend.start(base.seed, base.precision, base.deterministic)
        from sentiment.experiments.sweep import execution  # Keras, which --help does without
        from sentiment.experiments.sweep.trials import Trials

        trials = Trials(
            network.architecture, dataset, run, folder, options.objective, budget,
            options.tensorboard,
        )  # fmt: skip
        execution.execute(network, base, wanted, trials, count, started)
