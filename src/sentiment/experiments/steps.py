"""Commands that are run one after the other; those whose work is done are left out."""

import dataclasses
import logging
import math
import os
import shlex
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sentiment.base import cli, project, signals, warm_start
from sentiment.base.errors import UserError
from sentiment.base.time_budget import TimeBudget
from sentiment.data.dataset import MANIFEST, TTD, Dataset
from sentiment.model import model_file, networks
from sentiment.model.recipe import Recipe
from sentiment.runs import manifest_file, training_plan
from sentiment.runs.run_files import Run
from sentiment.runs.training_plan import STOPPED, Training
from sentiment.training.train import Options as TrainingOptions

log = logging.getLogger(__name__)


SIGTERM_STATUS = (-signal.SIGTERM, 128 + signal.SIGTERM)
"""Statuses of a command that SIGTERM has ended: at once, or when its work was saved."""


@dataclass(frozen=True)
class Step:
    """One command to run."""

    title: str
    kind: str
    """Steps of the same kind take about the same time; the time left is guessed by it."""
    command: list[str]
    finished: bool = False
    """Whether what the command makes is there."""
    trains: Run | None = None
    """The run whose model the command trains, if any."""


def run_in_order(
    steps: list[Step], title: str, log_file: Path, dry_run: bool, budget: TimeBudget
) -> bool:
    """Run every step that is not finished, in order, a line each.

    Args:
        title: what the steps are for.
        log_file: the file to which all that they print is added.
        dry_run: only say which steps there are.
        budget: the time that all may take together.

    Returns:
        Whether all are finished.

    Raises:
        UserError: a step failed.
    """
    started = time.monotonic()
    finished = sum(step.finished for step in steps)
    log.info("%d steps for %s, %d of them finished before", len(steps), title, finished)
    seconds: dict[str, list[float]] = {}
    for number, step in enumerate(steps, 1):
        line = f"{number:2}/{len(steps)} {step.title}"
        if step.finished or dry_run:
            log.info("%s: %s", line, "finished before" if step.finished else "to do")
            continue
        to_do = [later for later in steps[number - 1 :] if not later.finished]
        print(f"{line} ...", end="", flush=True)
        begun = time.monotonic()
        if not budget.left or not _run(step, log_file, budget):
            log.info(" stopped by %s; %d steps left; the same command goes on", budget, len(to_do))
            return False
        took = time.monotonic() - begun
        seconds.setdefault(step.kind, []).append(took)
        log.info(" %s%s", timedelta(seconds=round(took)), _time_left(to_do[1:], seconds))
    if not dry_run:
        log.info("All done in %s", timedelta(seconds=round(time.monotonic() - started)))
    return not dry_run


def argv(script: Path, *words: str) -> list[str]:
    """The command that runs a script with this Python."""
    return [sys.executable, str(script), *words]


def test_sets(data: Dataset) -> list[Dataset]:
    """The data sets to test on: the data themselves, and TTD if it is there and fits them."""
    data_dir = data.folder.parent
    if not (data_dir / TTD).is_dir() or data.name == TTD:
        return [data]
    ttd = Dataset(data_dir, TTD)
    fits = set(ttd.class_names) <= set(data.class_names) and ttd.side == data.side
    return [data, ttd] if fits else [data]


def training_options(stated: Recipe, flags: list[str]) -> TrainingOptions:
    """What a training script makes of its flags.

    Args:
        stated: the recipe that the flags change.

    Raises:
        UserError: a flag is wrong, or would make the model no result.
    """
    options = cli.parse_words(TrainingOptions, TrainingOptions(stated), flags)
    if options.include_test_data:
        raise UserError("--include-test-data: such a model is no result; train it alone")
    if options.max_minutes is not None:
        raise UserError("--max-minutes: after -- it would stop each training; give it before --")
    return options


def training_and_prediction(
    training: Training, tested: list[Dataset], flags: list[str], head_finished: bool = True
) -> tuple[Step, Step]:
    """The two steps of a run.

    Args:
        training: what the training script makes of `flags`.
        tested: the data sets to predict.
        head_finished: the network's FT-F run, from whose model FT-A may start, is finished.

    Raises:
        UserError: another model of the full run is there, which no script replaces unasked.
    """
    run = training.run
    name = f"{training.architecture.title} {run.way}"
    words = [*run.flags, *run.folders.flags]
    test_names = [data.name for data in tested]
    trained = _is_trained(training, head_finished)
    predicted = all(_is_newer(run.result(d.name), d.folder / MANIFEST) for d in tested)
    train = networks.training_script(run.architecture, run.layers)
    predict = networks.prediction_script(run.architecture, run.layers)
    return (
        Step(
            f"train {name}",
            f"train {run.layers}",
            argv(train, *words, *flags),
            trained,
            run,
        ),
        Step(
            f"predict {' and '.join(test_names)} with {name}",
            "predict tests",
            argv(predict, *words, "--test-on", *test_names),
            trained and predicted,
        ),
    )


def _is_trained(training: Training, head_finished: bool) -> bool:
    """Whether the model of this very training is there, finished: same recipe, data and percent.

    Raises:
        UserError: another model of the full run is there, which no script replaces unasked.
    """
    run = training.run
    if not run.model.exists():
        return False
    if training.recipe.head == "trained":
        head_from = dataclasses.replace(run, layers="fc").model
        training = dataclasses.replace(training, head_from=head_from)
    card = model_file.read_card(run.model)
    if training.head_from and not head_finished:
        difference = "the FT-F model it started from is to be trained"
    else:
        difference = training_plan.difference(card, training.plan)
    if difference and run.percent == 100:
        raise UserError(
            f"{run.model}: {difference}; move it away, or train it again with its own script and "
            "--overwrite"
        )
    return not difference and not training_plan.stopped(card)


def _is_newer(result: Path, source: Path) -> bool:
    return result.exists() and result.stat().st_mtime > source.stat().st_mtime


def _run(step: Step, log_file: Path, budget: TimeBudget) -> bool:
    """Run a step; what it prints goes to the log file, and its message to the screen.

    A training stops by itself when the budget is spent; others get SIGTERM, which saves as much.

    Returns:
        Whether it is finished, and has not been stopped by the budget.
    """
    warm_start.template(step.command)  # whose start takes of the budget's time
    command = [*step.command, *(budget.flags if step.trains else ())]
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("a") as output, tempfile.TemporaryFile("w+", errors="replace") as errors:
        print(f"\n$ {shlex.join(command)}", file=output, flush=True)
        status = signals.run_script(
            command,
            cwd=project.ROOT,
            stdout=output,
            stderr=errors,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            seconds=math.inf if step.trains else budget.left,
        )
        errors.seek(0)
        said = errors.read()
        output.write(said)
    if status in SIGTERM_STATUS and not budget.left:
        return False
    if status:
        print()
        lines = said.strip().splitlines() or [f"ended with status {status}"]
        raise UserError(
            f"{step.title} failed: {lines[-1].removeprefix('error: ')}; all it said is in "
            f"{log_file}; the same command again goes on from here"
        )
    return not step.trains or manifest_file.last_attempt(step.trains).get("status") != STOPPED


def _time_left(to_do: list[Step], seconds: dict[str, list[float]]) -> str:
    """How long the steps take, if each takes as long as those of its kind; empty if unknown."""
    if not to_do or any(step.kind not in seconds for step in to_do if " " in step.kind):
        return ""
    known = [seconds[step.kind] for step in to_do if step.kind in seconds]
    left = sum(sum(times) / len(times) for times in known)
    return f", about {timedelta(seconds=round(left))} left" if known else ""
