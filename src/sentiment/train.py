"""What the training scripts run: read the flags, say what will be done, do it."""

import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiment import backend, cli, files, model_file, project, provenance, stratify
from sentiment.dataset import Dataset, in_words
from sentiment.errors import UserError
from sentiment.recipe import Architecture, Recipe
from sentiment.runs import Run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of every training script."""

    recipe: Recipe
    dataset: str = "t4sa"
    """Name of prepared data."""
    percent: float = 100.0
    """Use this much of each class in training and validation; under 100 outputs are test_..."""
    data_dir: Path = project.DATA_DIR
    """Where prepared data lie."""
    logs_dir: Path = project.LOGS_DIR
    """Where history, resources, log and manifest go."""
    models_dir: Path = project.MODELS_DIR
    """Where the model goes, and where FT-A finds FT-F's."""
    overwrite: bool = False
    """Train again though this run has finished; its model stays until the new one is whole."""
    dry_run: bool = False
    """Say what would be done, and stop."""


@cli.command()
def main(architecture: Architecture, recipe: Recipe) -> None:
    """Run a training script: fine-tune `architecture` by `recipe`, as its flags change it."""
    train(architecture, cli.parse(Options, default=Options(recipe)))


def train(architecture: Architecture, options: Options) -> None:
    """Fine-tune a network on prepared data.

    Raises:
        UserError: the data or the FT-F model are missing, the run is already finished, or
            training failed for a reason the user can mend.
    """
    recipe = options.recipe
    run = Run(
        architecture.name,
        recipe.layers,
        options.dataset,
        options.percent,
        options.logs_dir,
        options.models_dir,
    )
    dataset = Dataset(options.data_dir, options.dataset)
    plan = "\n".join(_plan(architecture, recipe, dataset, run))
    if options.dry_run:
        log.info(plan)
    head_from = _trained_head(recipe, dataset, run) if recipe.head == "trained" else None
    if options.dry_run:
        return
    if run.percent == 100 and run.model.exists() and not options.overwrite:
        raise UserError(f"{run.model}: this run has finished; --overwrite trains it again")
    with cli.log_to(run.log_file(".log")):
        log.info(plan)
        _train(architecture, recipe, dataset, run, head_from)


def _train(
    architecture: Architecture, recipe: Recipe, dataset: Dataset, run: Run, head_from: Path | None
) -> None:
    """Train and save the model; the manifest says how far it came."""
    manifest = {
        "status": "running",
        "architecture": architecture.name,
        "recipe": dataclasses.asdict(recipe),
        "dataset": dataset.name,
        "data_fingerprint": dataset.fingerprint,
        "class_names": dataset.class_names,
        "percent": run.percent,
        "start": provenance.now(),
        **provenance.provenance(),
    }
    try:
        files.write_json(run.manifest, manifest)
        manifest |= backend.start(recipe.seed, recipe.precision)
        from sentiment.fit import fit  # Keras, which --help and --dry-run do without

        network, outcome = fit(architecture, recipe, dataset, run, head_from)
        manifest |= outcome | {"status": "finished"}
        model_file.save(network, run.model, manifest)
        for outdated in (*run.results(), *run.exports()):
            files.remove(outdated)
            log.info("  removed %s, made by the model that this one replaces", outdated)
        log.info("Saved %s", run.model)
    except BaseException as error:
        manifest |= {"status": "failed", "error": f"{type(error).__name__}: {error}"}
        raise
    finally:
        files.write_json(run.manifest, manifest | {"end": provenance.now()})


def _plan(architecture: Architecture, recipe: Recipe, dataset: Dataset, run: Run) -> Iterator[str]:
    """What the run will do, read and write, a line each."""
    images = {
        split: sum(stratify.share(n, run.percent) for n in dataset.counts(split).values() if n)
        for split in ("train", "validation")
    }
    learning = {"fc": "the fully connected layers learn", "all": "all layers learn"}[run.layers]
    yield f"{architecture.title} {run.way} ({learning}) on {run.percent:g} % of {dataset.name}"
    yield f"  {in_words(dataset.class_names)}"
    yield (
        f"  train {images['train']:,}, validation {images['validation']:,} images "
        f"(the store is {dataset.bytes / 1e9:.2f} GB); "
        f"{-(-images['train'] // recipe.batch_size):,} updates an epoch"
    )
    for field in dataclasses.fields(Recipe):
        yield f"  {field.name.replace('_', ' ')}: {getattr(recipe, field.name)}"
    yield f"  writes {run.model}"
    yield f"         {run.log_file('{_history.csv,_resources.csv,_run.json,.log}')}"


def _trained_head(recipe: Recipe, dataset: Dataset, run: Run) -> Path:
    """The FT-F model of the same data, whose FC layers FT-A starts from."""
    trained = dataclasses.replace(run, layers="fc")
    command = project.command(project.training_script(run.architecture, "fc"), *run.flags)
    remedy = f"train it first ({command}), or start from new FC layers with --head fresh"
    if not trained.model.exists():
        raise UserError(f"{trained.model}: not there, and FT-A starts from its FC layers; {remedy}")
    card = model_file.read_card(trained.model)
    ours = {
        "percent": run.percent,
        "data_fingerprint": dataset.fingerprint,
        "class_names": list(dataset.class_names),
        "preprocessing": recipe.preprocessing,
    }
    theirs = card | card["recipe"]
    for name, value in ours.items():
        if theirs[name] != value:
            raise UserError(
                f"{trained.model}: trained with {name} {theirs[name]}, this run has {value}; "
                f"{remedy}"
            )
    return trained.model
