"""Runs a sweep: every trial, then the tables, the picture and the answers."""

import dataclasses
import logging
import time
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.base.progress import hours_minutes_seconds
from sentiment.base.time_budget import BudgetSpent
from sentiment.data import stratify
from sentiment.data.dataset import Dataset
from sentiment.experiments.sweep import presentation, questions, sweep_picture
from sentiment.experiments.sweep.presentation import Unseen
from sentiment.experiments.sweep.space import Space
from sentiment.experiments.sweep.trial import Diverged, Finished
from sentiment.experiments.sweep.trials import Trials
from sentiment.model.networks import Network
from sentiment.model.recipe import Recipe
from sentiment.runs.accuracy import Commonest
from sentiment.runs.run_files import Run

log = logging.getLogger(__name__)


def execute(
    network: Network,
    base: Recipe,
    wanted: Space,
    trials: Trials,
    count: int,
    started: dict,
) -> None:
    """Try every recipe that was not tried before, and say what came of all.

    Args:
        base: what all trials have in common.
        trials: runs them; none has been run.
        count: number of trials.
        started: what the JSON says of the backend.

    Raises:
        UserError: a trial failed for another reason than a loss that is no number.
    """
    begun = time.monotonic()
    dataset, run, folder = trials.dataset, trials.where, trials.folder
    unseen = _unseen(dataset, run.percent)
    for split, commonest in unseen.items():
        log.info("  %s, %s", split, commonest)
    stopped = _try_all(trials, wanted, count)
    if not trials.done:
        return
    best = min(trials.done, key=lambda trial: trial.rank)
    command = _command(network.recipes[run.layers], best.recipe, run)
    about = {
        "base": dataclasses.asdict(base),
        "data_fingerprint": dataset.fingerprint,
        "percent": run.percent,
        "selection": presentation.selection(trials.objective),
        "best_by_validation": best.number,
        "command": command,
        "stopped": stopped,
        **started,
    }
    title = f"{network.architecture.title} {run.way}, {run.percent:g} % of {run.dataset}"
    classes = len(dataset.class_names)
    _present(trials.done, base, wanted.fields, title, classes, unseen, folder, about)
    if isinstance(best, Finished):
        settings = presentation.settings_in_words(best, wanted.fields)
        log.info("\nBest by validation: trial %d, %s", best.number, settings)
        log.info("  %s", command)
    log.info("%d trials in %s", len(trials.done), hours_minutes_seconds(time.monotonic() - begun))
    log.info("Saved %s", folder / "sweep{.csv,.md,.json,.png,.svg}")


def _try_all(trials: Trials, wanted: Space, count: int) -> bool:
    """Run every trial, a line each; return whether the budget has stopped them.

    Raises:
        UserError: none of the recipes can be trained.
    """

    def value(recipe: Recipe) -> float:
        """How good a recipe is, for Optuna: one that diverges is the worst there is."""
        trial = trials.run(recipe)
        settings = presentation.settings_in_words(trial, wanted.fields)
        known = " (found)" if trial.found else ""
        log.info("%3d/%d %s: %s%s", trial.number, count, settings, trial.outcome, known)
        return trial.score if isinstance(trial, Finished) else 0.0

    try:
        wanted.walk(value)
    except BudgetSpent:
        done = len(trials.done)
        log.info("Stopped by %s: %d of %d trials are done, %d left; the same command goes on",
                 trials.budget, done, count, count - done)  # fmt: skip
        return True
    if not trials.done:
        raise UserError("none of the recipes drawn can be trained; see why above")
    return False


def _present(
    trials: list[Finished | Diverged],
    base: Recipe,
    fields: list[str],
    title: str,
    classes: int,
    unseen: Unseen,
    folder: Path,
    about: dict,
) -> None:
    """Save tables, picture and answers, and print the table and the answers."""
    full = presentation.full_table(trials, fields, "sweep", title, unseen)
    readable = presentation.readable_table(trials, fields, full)
    answers = questions.answers(trials, base, fields, classes)
    picture = sweep_picture.draw(trials, fields, "sweep", title, unseen["test"])
    presentation.save(folder, full, readable, picture, answers, about)
    log.info("")
    for line in (*readable.lines(), *readable.notes):
        log.info("%s", line)
    for answer in answers:
        log.info("\n%s", answer.question)
        for sentence in answer.sentences:
            log.info("  %s", sentence)


def _unseen(dataset: Dataset, percent: float) -> Unseen:
    """Find the commonest class of the validation images that trials take, and of the test split."""
    validation = dataset.counts("validation").items()
    taken = {name: stratify.share(count, percent) for name, count in validation}
    return {
        "validation": Commonest.among(taken),
        "test": Commonest.among(dataset.counts("test")),
    }


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
