"""What the training scripts run: read the flags, say what will be done, do it."""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from sentiment.base import cli, files, provenance
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.base.time_budget import BudgetSpent, TimeBudget
from sentiment.base.wall_time import WALL_TIME
from sentiment.data.dataset import Dataset
from sentiment.engine import backend, cluster
from sentiment.engine.cluster import Cluster
from sentiment.engine.supervisor import supervise
from sentiment.model import model_file, variants
from sentiment.model.recipe import Architecture, Recipe
from sentiment.runs import event_file, manifest_file, outdated, training_plan
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training
from sentiment.training import checkpoint_file
from sentiment.training.announcement import announcement

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of every training script.

    Raises:
        UserError: there are no batches between two checkpoints, no minutes, or no TensorBoard.
    """

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
    max_minutes: float | None = None
    """Stop after the last epoch that ends within so many minutes, as measured, with the best
    model so far; the same command goes on."""
    tensorboard: bool = False
    """Keep a record for TensorBoard as well, an optional package, among the logs."""
    dry_run: bool = False
    """Say what would be done, and stop."""
    verbose: bool = False
    """Show every field of the recipe on a line of its own, as the log has it; otherwise only those
    that differ from the network's recipe."""
    folders: Folders = field(default_factory=Folders)
    cluster: Cluster = field(default_factory=Cluster)

    def __post_init__(self) -> None:
        if self.checkpoint_batches is not None and self.checkpoint_batches < 1:
            raise UserError(f"--checkpoint-batches {self.checkpoint_batches}: expected 1 or more")
        TimeBudget(self.max_minutes)
        if self.tensorboard:
            event_file.check_installed()


@cli.command()
def main(architecture: Architecture, recipe: Recipe) -> None:
    """Run a training script: fine-tune `architecture` by `recipe`, as its flags change it."""
    kind = variants.with_flag(Options, architecture)
    options = cli.parse(kind, default=kind(recipe))
    chosen = variants.chosen(architecture, options)
    supervise(options.cluster, lambda: train(chosen, recipe, options))


def train(architecture: Architecture, stated: Recipe, options: Options) -> None:
    """Fine-tune a network on prepared data.

    Args:
        stated: the network's recipe, which the options' recipe may differ from.

    Raises:
        UserError: the data or the FT-F model are missing, the run is already finished, or
            training failed for a reason the user can mend.
    """
    WALL_TIME.begin("starting")
    recipe, budget = options.recipe, TimeBudget(options.max_minutes)
    run = Run(
        architecture.name, recipe.layers, options.data, options.folders, options.include_test_data
    )
    dataset = Dataset(options.folders.data_dir, run.dataset)
    shown = announcement(architecture, recipe, dataset, run, None if options.verbose else stated)
    if options.dry_run:
        log.info(shown)
    head_from = training_plan.head_model(recipe, dataset, run)
    training = Training(architecture, recipe, dataset, run, head_from)
    if options.dry_run:
        return
    started = _join(training, options) if options.cluster.several else {}
    with cluster.on_first(lambda: files.locked(run.model)):
        if not cluster.from_first(lambda: _finished(training.plan, run, options.overwrite)):
            with cluster.on_first(lambda: _logged(training, options.overwrite, shown)):
                _train(training, options, budget, started)
    cluster.barrier()  # the others wait until the first has saved the model


def _join(training: Training, options: Options) -> dict:
    """Start Keras with the other processes; return what the manifest holds of it.

    Raises:
        UserError: they are about to do something else.
    """
    started = _start(options)
    recipe = dataclasses.asdict(options.recipe)
    names = ("checkpoint_batches", "max_minutes", "tensorboard")
    own = {name.replace("_", " "): getattr(options, name) for name in names}
    own |= provenance.versions()
    cluster.check_equal(training.plan | {"recipe": None} | recipe | own)
    return started


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
    if where := training_plan.stopped(card):
        log.info("%s: %s", run.model, where)
        return False
    log.info("%s is finished; --overwrite trains it again", run.model)
    _tidy(plan, run, card)
    return True


def _tidy(plan: dict, run: Run, card: dict) -> None:
    """Do what the process may not have come to that saved the run's model, as its last steps.

    What another run left that began later and was stopped stays as it is.
    """
    last = manifest_file.last_attempt(run)
    if last.get("start") == card["start"] and last.get("status") != card.get("status"):
        files.write_json(run.manifest, card)
    if not run.checkpoint.exists():
        return
    stopped = checkpoint_file.read_plan(run.checkpoint)
    if stopped.get("start") == card["start"]:
        run.checkpoint.unlink()
        return
    difference = training_plan.difference(stopped, plan)
    log.info("  %s is of a later run, which was stopped%s", run.checkpoint,
             f": {difference}" if difference else "; --overwrite goes on with it")  # fmt: skip


@contextlib.contextmanager
def _logged(training: Training, overwrite: bool, shown: str) -> Iterator[None]:
    """Announce a run, then write its log in the block; one that goes on is added to.

    Args:
        shown: the announcement on the screen; in the log each field of the recipe has a line.
    """
    file = training.run.log_file(".log")
    resumed = _resumed(training.plan, training.run, overwrite)
    whole = announcement(training.architecture, training.recipe, training.dataset, training.run)
    with cli.log_to(file, append=resumed, screen=False):
        log.info(whole)
    log.info(shown)
    with cli.log_to(file, append=True):
        yield


def _resumed(plan: dict, run: Run, overwrite: bool) -> bool:
    """Whether there is a checkpoint to go on from; one of another plan is refused, or removed."""
    if not run.checkpoint.exists():
        return False
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


def _train(training: Training, options: Options, budget: TimeBudget, started: dict) -> None:
    """Train on every process; the first one saves the model.

    Args:
        budget: the time that it may take.
        started: what the manifest holds of Keras, if it has been started.
    """
    run = training.run
    training = dataclasses.replace(training, start=_start_of(run))
    with _manifest(training) as manifest:
        manifest |= started or _start(options)
        from sentiment.training.fit import fit  # imports Keras, which --help does without

        WALL_TIME.turn_to("building")
        try:
            network, outcome = fit(
                training, options.checkpoint_batches, None, budget, options.tensorboard
            )
        except BudgetSpent:
            manifest |= {"status": training_plan.STOPPED, "end": provenance.now()}
            model = f"{run.model} stays" if run.model.exists() else "there is no model yet"
            log.info("Stopped by %s before an epoch had ended; %s; the same command goes on",
                     budget, model)  # fmt: skip
            return
        manifest |= outcome | {"end": provenance.now()}
        if cluster.is_first() and _replaces(manifest, run):
            outdated.remove(run.model)
            with WALL_TIME.part("saving"):
                model_file.save(network, run.model, manifest)
            log.info("Saved %s", run.model)
    if cluster.is_first() and not training_plan.stopped(manifest):
        run.checkpoint.unlink(missing_ok=True)
    log.info("%s", WALL_TIME)


def _replaces(manifest: dict, run: Run) -> bool:
    """Whether a model may take the place of the one there: a finished one waits for its like."""
    if not training_plan.stopped(manifest) or not run.model.exists():
        return True
    if training_plan.stopped(model_file.read_card(run.model)):
        return True
    log.info("%s, finished before, stays until this run is finished too", run.model)
    return False


def _start_of(run: Run) -> str:
    """When a run began, ISO 8601: now, or where it goes on, as its checkpoint says."""
    goes_on = cluster.is_first() and run.checkpoint.exists()
    plan = checkpoint_file.read_plan(run.checkpoint) if goes_on else {}
    return plan.get("start") or provenance.now()


def _start(options: Options) -> dict:
    """Start Keras; return what the manifest holds of it."""
    recipe = options.recipe
    return backend.start(recipe.seed, recipe.precision, recipe.deterministic, options.cluster)


@contextlib.contextmanager
def _manifest(training: Training) -> Iterator[dict]:
    """Yield the run's manifest, to be added to; the first process writes it.

    It is on the disk from the block's start on, and says at the end how the block ended.
    """
    manifest = {
        "status": "running",
        **training.plan,
        **({"choices": choices} if (choices := training.run.data.choices) else {}),
        "start": training.start,
        **provenance.provenance(),
    }

    def write() -> None:
        if cluster.is_first():
            files.write_json(training.run.manifest, manifest)

    try:
        write()
        yield manifest
    except BaseException as error:
        manifest |= {"status": "failed", "error": f"{type(error).__name__}: {error}",
                     "end": provenance.now()}  # fmt: skip
        raise
    finally:
        manifest["last_process_seconds"] = WALL_TIME.seconds
        write()
