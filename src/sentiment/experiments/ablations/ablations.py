"""What `scripts/ablations.py` runs: a baseline, and the same with one choice undone at a time."""

import dataclasses
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from sentiment.base import cli
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.experiments import steps
from sentiment.experiments.ablations.variants import ABLATIONS, BASELINE, Variant
from sentiment.experiments.steps import Step
from sentiment.model import networks
from sentiment.model.networks import NetworkChoice
from sentiment.runs.run_files import Run, TrainingData
from sentiment.training import train

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/ablations.py`."""

    choice: NetworkChoice = field(default_factory=NetworkChoice)
    data: TrainingData = field(default_factory=TrainingData)
    folders: Folders = field(default_factory=Folders)
    dry_run: bool = False
    """Say which steps would be taken, and stop."""
    training_flags: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """After --, for every training, such as -- --epochs 3."""


@cli.command()
def main() -> None:
    """Run `scripts/ablations.py`."""
    ablate(cli.parse(Options))


def ablate(options: Options) -> None:
    """Train and predict what has not been, then compare each ablation with the baseline.

    Raises:
        UserError: a flag is wrong, which is said before anything runs, or a step failed.
    """
    data = Dataset(options.folders.data_dir, options.data.dataset)
    network = networks.named(options.choice.network)
    variants = list(_variants(options, network))
    tested = steps.tested_on(data)
    log.info("%s %s on %g %% of %s: the baseline and %d ablations", network.architecture.title,
             variants[0].run.way, options.data.percent, data.name, len(variants) - 1)  # fmt: skip
    for variant in variants[1:]:
        log.info("  %s: %s (%s)", variant.name, variant.title, " ".join(variant.flags))
    folder = options.folders.logs_dir / data.name / "ablations"
    todo = [
        step for variant in variants for step in _steps(network, variant, data, tested, options)
    ]
    steps.take_all(todo, data.name, folder / "ablations.log", options.dry_run)
    if options.dry_run:
        return
    from sentiment.experiments.ablations import (
        effects,  # pandas and more, which --help does without
    )

    name = variants[0].run.name
    effects.write(folder, name, network.architecture, variants, tested)
    log.info("Saved %s", folder / f"{name}_on_DATA{{.csv,.md,.png,.svg}}")


def _variants(options: Options, network: networks.Network) -> list[Variant]:
    stated, words = network.recipes[options.choice.layers], list(options.training_flags)
    given = cli.parse_words(train.Options, train.Options(stated), words)
    if given.include_test_data:
        raise UserError("--include-test-data: such a model is no result; train it alone")

    def variant(name: str, title: str, flags: tuple[str, ...]) -> Variant:
        place = Path(options.data.dataset, "ablations", name)
        folders = dataclasses.replace(
            options.folders,
            logs_dir=options.folders.logs_dir / place,
            models_dir=options.folders.models_dir / place,
        )
        run = Run(options.choice.network, options.choice.layers, options.data, folders)
        parsed = cli.parse_words(train.Options, train.Options(stated), [*words, *flags])
        return Variant(name, title, list(flags), run, parsed.recipe)

    return [
        variant(BASELINE, "the recipe", ()),
        *(
            variant(a.name, a.title, a.flags)
            for a in ABLATIONS
            if a.applies(network.architecture, given.recipe)
        ),
    ]


def _steps(
    network: networks.Network,
    variant: Variant,
    data: Dataset,
    tested: list[Dataset],
    options: Options,
) -> list[Step]:
    """FT-F where FT-A starts from it, then what is compared."""
    flags = [*options.training_flags, *variant.flags]
    taken, before = [], True
    if variant.recipe.head == "trained":
        stated = network.recipes["fc"]
        recipe = cli.parse_words(train.Options, train.Options(stated), flags).recipe
        first = dataclasses.replace(variant.run, layers="fc")
        training, _ = steps.train_and_predict(
            network.architecture, first, recipe, data, tested, flags
        )
        taken, before = [training], training.finished
    taken += steps.train_and_predict(
        network.architecture, variant.run, variant.recipe, data, tested, flags, before
    )
    return [dataclasses.replace(s, title=f"{variant.name}: {s.title}") for s in taken]
