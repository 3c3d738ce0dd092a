"""Trains a baseline, and the same with one choice undone, or made besides, at a time."""

import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from sentiment.base import cli
from sentiment.base.project import Folders
from sentiment.base.time_budget import TimeBudget
from sentiment.data.dataset import Dataset
from sentiment.experiments import steps
from sentiment.experiments.ablations.variants import ABLATIONS, BASELINE, Variant
from sentiment.experiments.steps import Step
from sentiment.model import networks
from sentiment.model.networks import Network, NetworkChoice
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training

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
    """After --, for every training, such as -- --epochs 3 --tensorboard."""


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
    taught = options.data.labels == "listed" and data.split("train").shares is not None
    variants = list(_variants(options, network, taught))
    tested = steps.test_sets(data)
    title = f"{network.architecture.title} {variants[0].run.way} on {options.data.percent:g} %"
    log.info("%s of %s: the baseline and %d ablations", title, data.name, len(variants) - 1)
    for variant in variants[1:]:
        log.info("  %s: %s (%s)", variant.name, variant.title, " ".join(variant.flags))
    folder = options.folders.logs_dir / data.name / "ablations"
    to_do = [
        step for variant in variants for step in _steps(network, variant, data, tested, options)
    ]
    log_file = folder / "ablations.log"
    if not steps.run_in_order(to_do, data.name, log_file, options.dry_run, TimeBudget()):
        return
    from sentiment.experiments.ablations import effects  # pandas, which --help does without

    name = variants[0].run.name
    effects.write(folder, name, network.architecture, variants, tested)
    log.info("Saved %s", folder / f"{name}_on_DATA{{.csv,.md,.png,.svg}}")


def _variants(options: Options, network: Network, taught: bool = False) -> Iterator[Variant]:
    """The baseline, then the ablations that change anything in it.

    Args:
        taught: whether the data have shares, and the baseline learns the listed labels.
    """
    baseline = _variant(options, network, BASELINE, "the recipe", ())
    yield baseline
    for ablation in ABLATIONS:
        if taught >= ablation.needs_shares and ablation.applies(
            network.architecture, baseline.recipe
        ):
            yield _variant(options, network, ablation.name, ablation.title, ablation.flags)


def _variant(
    options: Options, network: Network, name: str, title: str, flags: tuple[str, ...]
) -> Variant:
    """A variant with a run in folders of its own."""
    place = Path(options.data.dataset, "ablations", name)
    folders = dataclasses.replace(
        options.folders,
        logs_dir=options.folders.logs_dir / place,
        models_dir=options.folders.models_dir / place,
    )
    choice = options.choice
    stated = network.recipes[choice.layers]
    training = steps.training_options(stated, [*options.training_flags, *flags])
    data = options.data.with_choices(options.data.choices | training.data.choices)
    run = Run(choice.network, choice.layers, data, folders)
    return Variant(name, title, list(flags), run, training.recipe)


def _steps(
    network: Network, variant: Variant, data: Dataset, tested: list[Dataset], options: Options
) -> list[Step]:
    """FT-F where FT-A starts from it, then the variant itself."""
    flags = [*options.training_flags, *variant.flags]
    to_do, head_finished = [], True
    if variant.recipe.head == "trained":
        recipe = steps.training_options(network.recipes["fc"], flags).recipe
        head_run = dataclasses.replace(variant.run, layers="fc")
        head = Training(network.architecture, recipe, data, head_run)
        train_head, _ = steps.training_and_prediction(head, tested, flags)
        to_do, head_finished = [train_head], train_head.finished
    training = Training(network.architecture, variant.recipe, data, variant.run)
    to_do += steps.training_and_prediction(training, tested, flags, head_finished)
    return [dataclasses.replace(step, title=f"{variant.name}: {step.title}") for step in to_do]
