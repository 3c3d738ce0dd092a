"""All models of a data set, from training to the report; goes on where it stopped."""

import dataclasses
import logging
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import tyro

from sentiment import cli, dataset, model_file, plans, project, signals, train
from sentiment.dataset import Dataset
from sentiment.errors import UserError
from sentiment.networks import Network, networks
from sentiment.recipe import Architecture, Recipe
from sentiment.runs import Run

log = logging.getLogger(__name__)

TTD = "ttd"
"""Also predicted, if it is prepared and the models know its classes."""


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


@dataclass(frozen=True)
class Step:
    """One command, and whether what it makes is there."""

    title: str
    kind: str
    """Steps of a kind take about the same time, by which the rest is guessed."""
    command: list[str]
    finished: bool = False


@cli.command()
def main() -> None:
    """Run `scripts/run_all.py`."""
    run_all(cli.parse(Options))


def run_all(options: Options) -> None:
    """Take every step that has not been taken, in order, a line each.

    Raises:
        UserError: a flag is wrong, which is said before anything runs, or a step failed.
    """
    started = time.monotonic()
    steps = list(_steps(options))
    left = [step for step in steps if not step.finished]
    log.info(
        "%d steps for %s, %d of them finished before", len(steps), options.dataset,
        len(steps) - len(left),
    )  # fmt: skip
    output = options.logs_dir / dataset.checked_name(options.dataset) / "run_all.log"
    seconds: dict[str, list[float]] = {}
    for number, step in enumerate(steps, 1):
        line = f"{number:2}/{len(steps)} {step.title}"
        if step.finished or options.dry_run:
            log.info("%s: %s", line, "finished before" if step.finished else "to do")
            continue
        print(f"{line} ...", end="", flush=True)
        begun = time.monotonic()
        _take(step, output)
        seconds.setdefault(step.kind, []).append(time.monotonic() - begun)
        rest = [s for s in steps[number:] if not s.finished]
        log.info(" %s%s", timedelta(seconds=round(time.monotonic() - begun)), _eta(rest, seconds))
    if not options.dry_run:
        log.info("All done in %s", timedelta(seconds=round(time.monotonic() - started)))
        log.info("  %s", options.logs_dir / options.dataset / "report" / "report.html")


def _steps(options: Options) -> Iterator[Step]:
    data = Dataset(options.data_dir, options.dataset)
    folders = {
        "--data-dir": options.data_dir,
        "--logs-dir": options.logs_dir,
        "--models-dir": options.models_dir,
    }
    where = [str(word) for pair in folders.items() for word in pair]
    tested = [data, *_ttd(options, data)]
    for network, flags in _training_flags(options):
        finished = True  # FT-A starts from what FT-F has learned
        for layers, stated in network.recipes.items():
            run = Run(
                network.architecture.name, layers, options.dataset, options.percent,
                options.logs_dir, options.models_dir,
            )  # fmt: skip
            script = project.training_script(run.architecture, layers)
            name = f"{network.architecture.title} {run.way}"
            flagged = cli.parse_words(train.Options, train.Options(stated), flags)
            if flagged.include_test_data:
                raise UserError("--include-test-data: such a model is no result; train it alone")
            recipe = flagged.recipe
            finished = _is_trained(network.architecture, run, recipe, data, finished)
            words = [*run.flags, *where]
            yield Step(
                f"train {name}", f"train {layers}", _command(script, *words, *flags), finished
            )
            predicting = script.with_name(f"result_predict_{script.name}")
            on = [test.name for test in tested]
            yield Step(
                f"predict {' and '.join(on)} with {name}",
                "predict tests",
                _command(predicting, *words, "--test-on", *on),
                finished
                and all(_is_newer(run.result(t.name), t.folder / dataset.MANIFEST) for t in tested),
            )
    scripts = project.ROOT / "scripts"
    which = ["--dataset", options.dataset, "--percent", f"{options.percent:g}", *where]
    images = ["--images", str(options.images)]
    yield Step(
        "measure inference", "measure", _command(scripts / "measure_inference.py", *which, *images)
    )
    yield Step("report", "report", _command(scripts / "report.py", *which))


def _command(script: Path, *words: str) -> list[str]:
    return [sys.executable, str(script), *words]


def _ttd(options: Options, data: Dataset) -> list[Dataset]:
    if not (options.data_dir / TTD).is_dir() or data.name == TTD:
        return []
    ttd = Dataset(options.data_dir, TTD)
    return [ttd] if set(ttd.class_names) <= set(data.class_names) else []


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
        wanted = plans.Training(architecture, recipe, data, run, head_from).plan
        difference = plans.difference(model_file.read_card(run.model), wanted)
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
        done = signals.run(
            step.command, cwd=project.ROOT, stdout=log_file, stderr=subprocess.PIPE, text=True,
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
