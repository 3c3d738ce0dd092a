"""All models of a data set, from training to the report; goes on where it stopped."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from sentiment import cli, dataset, project, steps, train
from sentiment.dataset import Dataset
from sentiment.errors import UserError
from sentiment.networks import Network, networks
from sentiment.runs import Run
from sentiment.steps import Step

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/run_all.py`."""

    dataset: str = "t4sa"
    """Name of prepared data."""
    percent: float = 100.0
    """Train on this much of each class; under 100 it is the rehearsal."""
    weights: tuple[str, ...] = ()
    """First weights by network, such as mobilenet=FILE vgg19=none; without a name, of all."""
    images: int = 300
    """Test images to measure inference with, at most."""
    data_dir: Path = project.DATA_DIR
    """Where prepared data lie."""
    logs_dir: Path = project.LOGS_DIR
    """Where logs and the report go."""
    models_dir: Path = project.MODELS_DIR
    """Where models and results go."""
    dry_run: bool = False
    """Say which steps would be taken, and stop."""
    training_flags: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """After --, for every training script, such as -- --epochs 3."""


@cli.command()
def main() -> None:
    """Run `scripts/run_all.py`."""
    run_all(cli.parse(Options))


def run_all(options: Options) -> None:
    """Take every step that has not been taken, in order, a line each.

    Raises:
        UserError: a flag is wrong, which is said before anything runs, or a step failed.
    """
    steps.take_all(
        list(_steps(options)),
        options.dataset,
        options.logs_dir / dataset.checked_name(options.dataset) / "run_all.log",
        options.dry_run,
    )
    if not options.dry_run:
        log.info("  %s", options.logs_dir / options.dataset / "report" / "report.html")


def _steps(options: Options) -> Iterator[Step]:
    data = Dataset(options.data_dir, options.dataset)
    folders = {
        "--data-dir": options.data_dir,
        "--logs-dir": options.logs_dir,
        "--models-dir": options.models_dir,
    }
    where = [str(word) for pair in folders.items() for word in pair]
    tested = steps.tested_on(data)
    for network, flags in _training_flags(options):
        finished = True  # FT-A starts from what FT-F has learned
        for layers, stated in network.recipes.items():
            run = Run(
                network.architecture.name, layers, options.dataset, options.percent,
                options.logs_dir, options.models_dir,
            )  # fmt: skip
            options_of_it = cli.parse_words(train.Options, train.Options(stated), flags)
            if options_of_it.include_test_data:
                raise UserError("--include-test-data: such a model is no result; train it alone")
            both = steps.train_and_predict(
                network.architecture, run, options_of_it.recipe, data, tested, flags, finished
            )
            finished = both[0].finished
            yield from both
    scripts = project.ROOT / "scripts"
    which = ["--dataset", options.dataset, "--percent", f"{options.percent:g}", *where]
    images = ["--images", str(options.images)]
    yield Step(
        "measure inference",
        "measure",
        steps.command(scripts / "measure_inference.py", *which, *images),
    )
    yield Step("report", "report", steps.command(scripts / "report.py", *which))


def _training_flags(options: Options) -> list[tuple[Network, list[str]]]:
    """What every network is trained with; a wrong --weights is found before anything runs."""
    found = networks()
    by_name = {network.architecture.name: network for network in found}
    weights = dict.fromkeys(by_name, None)
    for word in options.weights:
        name, equals, value = word.partition("=")
        if equals and name not in by_name:
            raise UserError(f"--weights {word}: no network {name}; expected {', '.join(by_name)}")
        weights |= {name: value} if equals else dict.fromkeys(by_name, word)
    more = list(options.training_flags)
    return [
        (network, more + (["--weights", weights[name]] if weights[name] else []))
        for name, network in by_name.items()
    ]
