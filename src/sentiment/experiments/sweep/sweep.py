"""What `scripts/sweep.py` runs: every trial, then the table, the picture and the answers."""

import dataclasses
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from sentiment.base import cli, files
from sentiment.base.errors import UserError
from sentiment.base.progress import hours_minutes_seconds
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.engine import backend
from sentiment.experiments.sweep import space
from sentiment.experiments.sweep.space import Space
from sentiment.model import networks
from sentiment.model.networks import Network, NetworkChoice
from sentiment.model.recipe import Recipe
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
    """To draw in a search."""
    search_seed: int = 1
    """Of the drawing."""
    folders: Folders = field(default_factory=Folders)
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
        UserError: a flag is wrong, the data or the FT-F model are missing, or a trial failed for
            another reason than a loss that is no number.
    """
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
        _sweep(network, base, wanted, run, dataset, folder, count)


def _sweep(
    network: Network, base: Recipe, wanted: Space, run: Run, dataset: Dataset, folder: Path,
    count: int,
) -> None:  # fmt: skip
    begun = time.monotonic()
    started = backend.start(base.seed, base.precision, base.deterministic)
    from sentiment.experiments.sweep import (  # Keras, which --help does without
        presentation,
        questions,
        trial,
    )

    trials = trial.Trials(network.architecture, dataset, run, folder)
    fields = wanted.fields

    def reached(recipe: Recipe) -> float:
        done = trials.run(recipe)
        log.info("%3d/%d %s: %s%s", done.number, count, presentation.named(done, fields),
                 done.in_words, " (found)" if done.found else "")  # fmt: skip
        # For Optuna alone: a rate that diverges is the worst there is.
        return 0.0 if done.diverged is not None else done.accuracy("validation").value

    wanted.walk(reached)
    if not trials.done:
        raise UserError("none of the recipes drawn can be trained; see why above")
    classes = len(dataset.class_names)
    title = f"{network.architecture.title} {run.way}, {run.percent:g} % of {run.dataset}"
    full = presentation.table(trials.done, fields, "sweep", title)
    readable = presentation.brief(trials.done, fields, full)
    answers = questions.answers(trials.done, base, fields, classes)
    drawn = presentation.picture(trials.done, fields, "sweep", title, classes)
    best = min(trials.done, key=lambda t: t.rank)
    command = _command(network.recipes[run.layers], best.recipe, run)
    content = {
        "base": dataclasses.asdict(base), "data_fingerprint": dataset.fingerprint,
        "percent": run.percent, "selection": presentation.SELECTION,
        "best_by_validation": best.number,
        "command": command, **started,
    }  # fmt: skip
    presentation.save(folder, full, readable, drawn, answers, content)
    log.info("")
    for line in readable.lines():
        log.info("%s", line)
    log.info("%s", presentation.SELECTION)
    for answer in answers:
        log.info("\n%s", answer.question)
        for sentence in answer.sentences:
            log.info("  %s", sentence)
    if best.diverged is None:
        log.info(
            "\nBest by validation: trial %d, %s", best.number, presentation.named(best, fields)
        )
        log.info("  %s", command)
    log.info("%d trials in %s", len(trials.done), hours_minutes_seconds(time.monotonic() - begun))
    log.info("Saved %s", folder / "sweep{.csv,.md,.json,.png,.svg}")


def _command(stated: Recipe, recipe: Recipe, run: Run) -> str:
    """What trains the recipe for good."""
    words = []
    for setting in dataclasses.fields(Recipe):
        value = getattr(recipe, setting.name)
        if value == getattr(stated, setting.name):
            continue
        flag = setting.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            several = value if isinstance(value, tuple) else (value,)
            words += [f"--{flag}", *map(str, several)]
    return " ".join([run.training_command, *words])
