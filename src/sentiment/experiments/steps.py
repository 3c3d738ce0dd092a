"""Commands to take in turn, those apart whose work is done: goes on where it was stopped."""

import dataclasses
import logging
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sentiment.base import project, signals
from sentiment.base.errors import UserError
from sentiment.data.dataset import MANIFEST, TTD, Dataset
from sentiment.model import model_file, networks
from sentiment.model.recipe import Architecture, Recipe
from sentiment.runs import training_plan
from sentiment.runs.run_files import Run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """One command, and whether what it makes is there."""

    title: str
    kind: str
    """Steps of a kind take about the same time, by which the rest is guessed."""
    command: list[str]
    finished: bool = False


def take_all(steps: list[Step], what: str, output: Path, dry_run: bool) -> None:
    """Take every step that has not been taken, in order, a line each.

    Args:
        what: they are for.
        output: the file to which goes what they print.
        dry_run: only say which there are.

    Raises:
        UserError: a step failed.
    """
    started = time.monotonic()
    left = [step for step in steps if not step.finished]
    log.info(
        "%d steps for %s, %d of them finished before", len(steps), what, len(steps) - len(left)
    )
    seconds: dict[str, list[float]] = {}
    for number, step in enumerate(steps, 1):
        line = f"{number:2}/{len(steps)} {step.title}"
        if step.finished or dry_run:
            log.info("%s: %s", line, "finished before" if step.finished else "to do")
            continue
        print(f"{line} ...", end="", flush=True)
        begun = time.monotonic()
        _take(step, output)
        seconds.setdefault(step.kind, []).append(time.monotonic() - begun)
        rest = [s for s in steps[number:] if not s.finished]
        log.info(" %s%s", timedelta(seconds=round(time.monotonic() - begun)), _eta(rest, seconds))
    if not dry_run:
        log.info("All done in %s", timedelta(seconds=round(time.monotonic() - started)))


def argv(script: Path, *words: str) -> list[str]:
    """What runs a script."""
    return [sys.executable, str(script), *words]


def tested_on(data: Dataset) -> list[Dataset]:
    """What models of these data are tested on: the data themselves, and TTD if it is there."""
    data_dir = data.folder.parent
    if not (data_dir / TTD).is_dir() or data.name == TTD:
        return [data]
    ttd = Dataset(data_dir, TTD)
    return [data, ttd] if set(ttd.class_names) <= set(data.class_names) else [data]


def train_and_predict(
    architecture: Architecture,
    run: Run,
    recipe: Recipe,
    data: Dataset,
    tested: list[Dataset],
    flags: list[str],
    before: bool = True,
) -> tuple[Step, Step]:
    """The two steps of a run.

    Args:
        recipe: what the training script makes of `flags`.
        tested: the data to predict.
        before: the network's runs before this one, from which it may start, are finished.

    Raises:
        UserError: another model of the full run is there, which no script replaces unasked.
    """
    training = networks.training_script(run.architecture, run.layers)
    predicting = networks.prediction_script(run.architecture, run.layers)
    name = f"{architecture.title} {run.way}"
    finished = _is_trained(architecture, run, recipe, data, before)
    words = [*run.flags, *run.folders.flags]
    on = [test.name for test in tested]
    predicted = all(_is_newer(run.result(t.name), t.folder / MANIFEST) for t in tested)
    return (
        Step(f"train {name}", f"train {run.layers}", argv(training, *words, *flags), finished),
        Step(
            f"predict {' and '.join(on)} with {name}",
            "predict tests",
            argv(predicting, *words, "--test-on", *on),
            finished and predicted,
        ),
    )


def _is_trained(
    architecture: Architecture, run: Run, recipe: Recipe, data: Dataset, before: bool
) -> bool:
    """Whether the model of this very run is there: same recipe, data and percent.

    Args:
        before: the network's runs before this one, from which it may start, are finished.

    Raises:
        UserError: another model of the full run is there, which no script replaces unasked.
    """
    if not run.model.exists():
        return False
    head_from = dataclasses.replace(run, layers="fc").model if recipe.head == "trained" else None
    if head_from and not before:
        difference = "the FT-F model it started from is to be trained"
    else:
        wanted = training_plan.Training(architecture, recipe, data, run, head_from).plan
        difference = training_plan.difference(model_file.read_card(run.model), wanted)
    if difference and run.percent == 100:
        raise UserError(
            f"{run.model}: {difference}; move it away, or train it again with its own script and "
            "--overwrite"
        )
    return not difference


def _is_newer(result: Path, source: Path) -> bool:
    return result.exists() and result.stat().st_mtime > source.stat().st_mtime


def _take(step: Step, output: Path) -> None:
    """Run a step; what it prints goes to the file `output`, and its message to the screen."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("a") as log_file:
        print(f"\n$ {shlex.join(step.command)}", file=log_file, flush=True)
        done = signals.run_script(
            step.command, cwd=project.ROOT, stdout=log_file, stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        log_file.write(done.stderr)
    if done.returncode:
        print()
        lines = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise UserError(
            f"{step.title} failed: {lines[-1].removeprefix('error: ')}; all it said is in "
            f"{output}; the same command again goes on from here"
        )


def _eta(rest: list[Step], seconds: dict[str, list[float]]) -> str:
    """How long the rest takes, if each step takes as long as those of its kind did."""
    if not rest or any(step.kind not in seconds for step in rest if " " in step.kind):
        return ""
    known = [seconds[s.kind] for s in rest if s.kind in seconds]
    left = sum(sum(times) / len(times) for times in known)
    return f", about {timedelta(seconds=round(left))} left" if known else ""
