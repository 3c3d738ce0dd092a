"""What the training scripts run: read the flags, say what will be done, do it."""

import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentiment.base import cli, files, provenance
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data import stratify
from sentiment.data.dataset import Dataset, in_words
from sentiment.engine import backend, cluster
from sentiment.engine.cluster import Cluster
from sentiment.model import model_file
from sentiment.model.recipe import Architecture, Recipe, counting, in_command
from sentiment.runs import training_plan
from sentiment.runs.run_files import Run, TrainingData

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of every training script."""

    recipe: Recipe
    data: TrainingData = field(default_factory=TrainingData)
    include_test_data: bool = False
    """Learn from the validation and test images too, to find an upper limit. This is leakage: no
    accuracy of such a model is a result, and all it leaves is called leaking_..."""
    checkpoint_batches: int | None = None
    """Save a checkpoint every so many batches too, not only after each epoch."""
    overwrite: bool = False
    """Replace a run with another recipe or other data, finished or not, or train a finished one
    again; its model stays until the new one is whole."""
    dry_run: bool = False
    """Say what would be done, and stop."""
    folders: Folders = field(default_factory=Folders)
    cluster: Cluster = field(default_factory=Cluster)


@cli.command()
def main(architecture: Architecture, recipe: Recipe) -> None:
    """Run a training script: fine-tune `architecture` by `recipe`, as its flags change it."""
    options = cli.parse(Options, default=Options(recipe))
    cluster.run(options.cluster, lambda: train(architecture, options))


def train(architecture: Architecture, options: Options) -> None:
    """Fine-tune a network on prepared data.

    Raises:
        UserError: the data or the FT-F model are missing, the run is already finished, or
            training failed for a reason the user can mend.
    """
    recipe = options.recipe
    if options.checkpoint_batches is not None and options.checkpoint_batches < 1:
        raise UserError(f"--checkpoint-batches {options.checkpoint_batches}: expected 1 or more")
    run = Run(
        architecture.name, recipe.layers, options.data, options.folders, options.include_test_data
    )
    dataset = Dataset(options.folders.data_dir, run.dataset)
    announcement = "\n".join(_announcement(architecture, recipe, dataset, run))
    if options.dry_run:
        log.info(announcement)
    head_from = training_plan.head_model(recipe, dataset, run)
    if options.dry_run:
        return
    training = training_plan.Training(architecture, recipe, dataset, run, head_from)

    started = None
    if options.cluster.several:
        started = _start(options)
        own = {"checkpoint batches": options.checkpoint_batches, **provenance.versions()}
        cluster.compare(training.plan | {"recipe": None} | dataclasses.asdict(recipe) | own)
    if cluster.first():
        with files.locked(run.model):
            if not cluster.told(_finished(training.plan, run, options.overwrite)):
                resumed = _resumed(training.plan, run, options.overwrite)
                with cli.log_to(run.log_file(".log"), append=resumed):
                    log.info(announcement)
                    _train(training, options, started)
    elif not cluster.told(False):
        from sentiment.training.fit import fit

        fit(training, options.checkpoint_batches)
    cluster.wait()


def _finished(plan: dict, run: Run, overwrite: bool) -> bool:
    """Whether the run's model is there; a full run's is not replaced without being told to."""
    if overwrite or not run.model.exists():
        return False
    card = model_file.read_card(run.model)
    difference = training_plan.difference(card, plan)
    if difference and run.percent == 100:
        raise UserError(f"{run.model}: {difference}; --overwrite replaces it")
    if difference:
        log.info("%s will be replaced: %s", run.model, difference)
        return False
    files.write_json(run.manifest, card)  # the process may have ended just before that
    run.checkpoint.unlink(missing_ok=True)
    log.info("%s is finished; --overwrite trains it again", run.model)
    return True


def _resumed(plan: dict, run: Run, overwrite: bool) -> bool:
    """Whether there is a checkpoint to go on from; one of another plan is refused, or removed."""
    if not run.checkpoint.exists():
        return False
    from sentiment.training import checkpoint_file  # NumPy, which --help and --dry-run do without

    difference = training_plan.difference(checkpoint_file.read_plan(run.checkpoint), plan)
    if difference and run.percent == 100 and not overwrite:
        raise UserError(
            f"{run.checkpoint}: {difference}; give the same flags to go on with it, or "
            "--overwrite to start anew"
        )
    if difference:
        log.info("%s is removed: %s", run.checkpoint, difference)
        run.checkpoint.unlink()
    return not difference


def _start(options: Options) -> dict:
    """Start Keras; what the manifest holds of it."""
    recipe = options.recipe
    return backend.start(recipe.seed, recipe.precision, recipe.deterministic, options.cluster)


def _train(training: training_plan.Training, options: Options, started: dict | None) -> None:
    """Train and save the model; the manifest says how far it came."""
    run = training.run
    manifest = {
        "status": "running",
        **training.plan,
        "start": provenance.now(),
        **provenance.provenance(),
    }
    try:
        files.write_json(run.manifest, manifest)
        manifest |= started or _start(options)
        from sentiment.training.fit import fit  # Keras, which --help and --dry-run do without

        network, outcome = fit(training, options.checkpoint_batches)
        manifest |= outcome | {"status": "finished", "end": provenance.now()}
        for outdated in (*run.results(), *run.exports()):
            files.remove(outdated)
            log.info("  removed %s, made by the model that this one replaces", outdated)
        model_file.save(network, run.model, manifest)
        log.info("Saved %s", run.model)
    except BaseException as error:
        manifest |= {"status": "failed", "error": f"{type(error).__name__}: {error}",
                     "end": provenance.now()}  # fmt: skip
        raise
    finally:
        files.write_json(run.manifest, manifest)
    run.checkpoint.unlink(missing_ok=True)


def _announcement(
    architecture: Architecture, recipe: Recipe, dataset: Dataset, run: Run
) -> Iterator[str]:
    """What the run will do, read and write, a line each."""
    images = {
        split: sum(
            stratify.share(n, run.percent)
            for section in sections
            for n in dataset.counts(section).values() if n
        )
        for split, sections in training_plan.sections(run).items()
    }  # fmt: skip
    learning = {"fc": "the fully connected layers learn", "all": "all layers learn"}[run.layers]
    yield f"{architecture.title} {run.way} ({learning}) on {run.percent:g} % of {dataset.name}"
    if run.leaking:
        yield "  LEAKING: learns from validation and test images too; no accuracy is a result"
    yield f"  {in_words(dataset.class_names)}"
    yield (
        f"  train {images['train']:,}, validation {images['validation']:,} images "
        f"(the store is {dataset.bytes / 1e9:.2f} GB); "
        f"{-(-images['train'] // recipe.batch_size):,} updates an epoch"
    )
    for name, value in counting(recipe).items():
        yield f"  {name.replace('_', ' ')}: {in_command(value)}"
    yield f"  writes {run.model}"
    yield f"         {run.log_file('{_history.csv,_resources.csv,_run.json,.log}')}"
