"""Runs all models of a data set, from training to the report; goes on where it stopped."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import tyro

from sentiment.base import cli, project
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.base.time_budget import TimeBudget
from sentiment.data import dataset
from sentiment.data.dataset import Dataset
from sentiment.experiments import steps
from sentiment.experiments.steps import Step
from sentiment.model.networks import Network, networks
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/run_all.py`."""

    data: TrainingData = field(default_factory=TrainingData)
    weights: tuple[str, ...] = ()
    """First weights by network, such as mobilenet=FILE vgg19=none; without a name, of all."""
    variants: tuple[str, ...] = ()
    """Further variants to train, such as vit-l16, beside the first of each folder."""
    images: int = 300
    """Test images to measure inference with, at most."""
    folders: Folders = field(default_factory=Folders)
    max_minutes: float | None = None
    """Stop when so many minutes are over, a training after the last epoch that fits, as measured;
    the same command goes on."""
    dry_run: bool = False
    """Say which steps would be taken, and stop."""
    training_flags: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """After --, for every training script, such as -- --epochs 3 --tensorboard."""


@cli.command()
def main() -> None:
    """Run `scripts/run_all.py`."""
    run_all(cli.parse(Options))


def run_all(options: Options) -> None:
    """Run every step that is not finished, in order, a line each.

    Raises:
        UserError: a flag is wrong, which is said before anything runs, or a step failed.
    """
    budget = TimeBudget(options.max_minutes)
    name = dataset.checked_name(options.data.dataset)
    logs = options.folders.logs_dir / name
    to_do = list(_steps(options))
    if steps.run_in_order(to_do, name, logs / "run_all.log", options.dry_run, budget):
        log.info("  %s", logs / "report" / "report.html")


def _steps(options: Options) -> Iterator[Step]:
    data = Dataset(options.folders.data_dir, options.data.dataset)
    tested = steps.test_sets(data)
    for network, flags in _training_flags(options):
        if data.side not in network.architecture.sides:
            log.info("  %s is left out: images of %s pixels a side are not for it",
                     network.architecture.title, data.side)  # fmt: skip
            continue
        trained = True  # FT-A starts from what FT-F has learned
        for layers, stated in network.recipes.items():
            run = Run(network.architecture.name, layers, options.data, options.folders)
            recipe = steps.training_options(stated, flags).recipe
            training = Training(network.architecture, recipe, data, run)
            train, predict = steps.training_and_prediction(training, tested, flags, trained)
            trained = train.finished
            yield from (train, predict)
    scripts = project.ROOT / "scripts"
    percent = f"{options.data.percent:g}"
    runs = ["--dataset", data.name, "--percent", percent, *options.folders.flags]
    images = ["--images", str(options.images)]
    measure = steps.argv(scripts / "measure_inference.py", *runs, *images)
    yield Step("measure inference", "measure", measure)
    yield Step("report", "report", steps.argv(scripts / "report.py", *runs))


def _training_flags(options: Options) -> list[tuple[Network, list[str]]]:
    """The flags that every network is trained with.

    Raises:
        UserError: there is no such network as --weights or --variants names.
    """
    all_of = {network.architecture.name: network for network in networks()}
    further = [name for name, network in all_of.items() if not network.architecture.is_first]
    for name in options.variants:
        if name not in further:
            raise UserError(f"--variants {name}: expected one of {', '.join(further)}")
    wanted = all_of.keys() - further | set(options.variants)
    by_name = {name: network for name, network in all_of.items() if name in wanted}
    weights: dict[str, str] = {}
    for word in options.weights:
        name, equals, value = word.partition("=")
        if equals and name not in by_name:
            raise UserError(f"--weights {word}: no network {name}; expected {', '.join(by_name)}")
        weights |= {name: value} if equals else dict.fromkeys(by_name, word)
    flags = list(options.training_flags)
    return [
        (network, [*flags, "--weights", weights[name]] if weights.get(name) else flags)
        for name, network in by_name.items()
    ]
