"""What is prepared, trained, running, stopped or failed, as its files say; nothing is touched."""

import contextlib
import dataclasses
import datetime
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiment.base import files, journal, project
from sentiment.base.errors import UserError
from sentiment.base.progress import hours_minutes_seconds
from sentiment.base.project import Folders
from sentiment.data import dataset
from sentiment.data.collections.origin import Origin
from sentiment.model import model_file, model_origin
from sentiment.runs import history_file
from sentiment.runs.run_files import ResultName, Run, TrainingData

FRESH = 120
"""Seconds in which a training on another machine, which writes each second, must have written to
count as running."""

STOPS = ("Terminated", "KeyboardInterrupt")
"""Errors in a manifest that are no failures: somebody ended the process."""


@dataclass(frozen=True)
class Work:
    """A piece of work, finished or not."""

    name: str
    state: str
    """prepared, trained, imported, tested, running, stopped, failed, or damaged."""
    progress: str
    """How far it is, or what it reached, in words."""
    bytes: int = 0
    command: str = ""
    """What a person types to go on; empty where there is nothing to do."""


def prepared(folders: Folders) -> Iterator[Work]:
    """All data sets, and those whose preparation is not finished."""
    data_dir = folders.data_dir
    for folder in sorted(file.parent for file in data_dir.glob(f"[!.]*/{dataset.MANIFEST}")):
        try:
            data = dataset.Dataset(data_dir, folder.name)
        except UserError as error:
            yield Work(folder.name, "damaged", str(error))
            continue
        counts = {name: sum(data.counts(name).values()) for name in data.manifest["splits"]}
        images = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        features = files.size(folder / "features")
        also = f", features {in_bytes(features)}" if features else ""
        words = f"{images}; {len(data.class_names)} classes{also}"
        yield Work(folder.name, "prepared", words, data.bytes + features)
    for file in sorted(data_dir.glob(f"{files.PARTIAL}*/{journal.FILE}")):
        yield _unfinished(data_dir, file)


def _unfinished(data_dir: Path, file: Path) -> Work:
    """A preparation that is not finished."""
    name = file.parent.name.removeprefix(files.PARTIAL)
    plan, *blocks = journal.read(file) or [{}]
    done = {b["split"]: f"{b['split']} {b['photos']:,}{_of(b)}" for b in blocks}
    words = ", ".join(done.values()) or "nothing noted yet"
    running = files.worked_on(data_dir / name)
    command = "" if running else _preparing_command(data_dir, name, plan)
    return Work(name, _state(running), words, files.size(file.parent), command)


def _of(block: dict) -> str:
    """Behind a block's photos: how many there are; earlier journals do not say it."""
    return f" of {block['of']:,}" if "of" in block else ""


def _preparing_command(data_dir: Path, name: str, plan: dict) -> str:
    if not {"kind", "source", "seed"} <= plan.keys():
        return ""
    origin = Origin.of(plan)
    words = [origin.kind, "--source", str(origin.folder), "--name", name]
    words += ["--seed", str(origin.seed)] if origin.seed != 1 else []
    for field, value in origin.reading.chosen.items():
        values = [] if value is True else value if isinstance(value, list) else [value]
        words += [f"--{field.replace('_', '-')}", *map(str, values)]
    if data_dir != project.DATA_DIR:
        words += ["--data-dir", str(data_dir)]
    return shlex.join(["python", "scripts/prepare_data.py", *words])


def trained(folders: Folders) -> Iterator[Work]:
    """All trainings, finished or not, and tests that are not finished."""
    manifests = {}
    for file in folders.logs_dir.glob("**/*_run.json"):
        place = file.parent.relative_to(folders.logs_dir)
        with contextlib.suppress(UserError):  # it is being made or damaged; its model may be there
            manifests[place, file.name.removesuffix("_run.json")] = files.read_json(file)
    for file in folders.models_dir.glob("**/*.keras"):
        place = file.parent.relative_to(folders.models_dir)
        if not file.name.startswith(".") and (place, file.stem) not in manifests:
            with contextlib.suppress(UserError):
                manifests[place, file.stem] = model_file.read_card(file)
    for (place, name), manifest in sorted(manifests.items()):
        if model_origin.is_imported(manifest):
            size = files.size(folders.models_dir / place / f"{name}.keras")
            yield Work(str(place / name), "imported", model_origin.in_words(manifest), size)
            continue
        with contextlib.suppress(KeyError, TypeError, ValueError, UserError):  # of no training
            run = _run(place, manifest, folders)
            yield _training(run, place, manifest)
            yield from _unfinished_tests(run, place)


def _run(place: Path, manifest: dict, folders: Folders) -> Run:
    """The run that a manifest is of, in folders such that its files lie in `place`."""
    above = dataclasses.replace(
        folders,
        logs_dir=folders.logs_dir / place.parent,
        models_dir=folders.models_dir / place.parent,
    )
    data = TrainingData(manifest["dataset"], manifest["percent"])
    data = data.with_choices(manifest.get("choices", {}))
    leaking = bool(manifest.get(model_file.LEAKS))
    return Run(manifest["architecture"], manifest["recipe"]["layers"], data, above, leaking)


def _training(run: Run, place: Path, manifest: dict) -> Work:
    name, epochs = str(place / run.name), manifest["recipe"]["epochs"]
    if manifest.get("status") == "finished":
        return _finished(run, name, manifest)
    running = manifest.get("status") == "running" and _is_running(run)
    done = _epochs_done(run, manifest)
    size = files.size(run.checkpoint)
    if running:
        return Work(name, "running", _under_way(run, done, epochs), size)
    command = _command(manifest)
    words = f"after epoch {len(done)} of {epochs}" if done else "before the end of its first epoch"
    error = str(manifest.get("error", ""))
    if manifest.get("status") == "failed" and not error.startswith(STOPS):
        return Work(name, "failed", f"{words}: {' '.join(error.split())}", size, command)
    return Work(name, "stopped", words, size, command)


def _finished(run: Run, name: str, manifest: dict) -> Work:
    words = f"best epoch {manifest.get('best_epoch')} of {manifest.get('last_epoch')}"
    if isinstance(reached := manifest.get("best_val_accuracy"), float):
        words += f", validation accuracy {reached:.4f}"
    if not run.model.exists():
        return Work(name, "trained", f"{words}; its model is gone", 0, _command(manifest))
    tested = [ResultName.of(result).in_words(run.dataset) for result in run.results()]
    if tested:
        words += f"; tested on {', '.join(tested)}"
    exports = {path.name.removeprefix(run.name): files.size(path) for path in run.exports()}
    if exports:
        sizes = ", ".join(f"{ending} {in_bytes(size)}" for ending, size in exports.items())
        words += f"; exported: {sizes}"
    command = "" if tested else _testing_command(run)
    size = files.size(run.model) + sum(exports.values())
    return Work(name, "tested" if tested else "trained", words, size, command)


def _testing_command(run: Run, *words: str) -> str:
    """The command that tests a run's model; none where the network is of another checkout."""
    places = [] if run.folders == Folders() else run.folders.flags
    try:
        return run.prediction_command(*words, *places)
    except UserError:
        return ""


def _is_running(run: Run) -> bool:
    """Whether the process that trains is alive; on another machine, whether it still writes."""
    alive = files.worked_on(run.model)
    if alive is not None:
        return alive
    written = [path.stat().st_mtime for path in (run.manifest, run.resources) if path.exists()]
    return time.time() - max(written, default=0) < FRESH


def _epochs_done(run: Run, manifest: dict) -> list[dict[str, float]]:
    """The history of this attempt to train: without a checkpoint it may be an earlier one's."""
    if not run.history.exists():
        return []
    start = datetime.datetime.fromisoformat(manifest["start"]).timestamp()
    own = run.checkpoint.exists() or run.history.stat().st_mtime >= start
    return history_file.rows(run.history) if own else []


def _under_way(run: Run, done: list[dict[str, float]], epochs: int) -> str:
    """Where a running training is; its last epoch tells how long those to come take."""
    features = run.folders.data_dir / run.dataset / "features"
    for file in features.glob(f"{files.PARTIAL}{run.architecture}_*"):
        split = file.name.removeprefix(f"{files.PARTIAL}{run.architecture}_").rpartition("_")[0]
        return f"computes the features of {split}"
    if not done:
        return f"epoch 1 of {epochs}"
    an_epoch = done[-1]["seconds"] + done[-1].get("validation_seconds", 0.0)
    since = time.time() - run.history.stat().st_mtime
    left = hours_minutes_seconds(max(0.0, an_epoch * (epochs - len(done)) - since))
    return f"epoch {min(len(done) + 1, epochs)} of {epochs}, at most {left} left"


def _command(manifest: dict) -> str:
    """The command that a run was started with, as it is typed in the top folder."""
    words = [str(word).removeprefix(f"{project.ROOT}/") for word in manifest.get("command", ())]
    if words[1:2] and Path(words[1]).name == "ipython":
        words = words[1:]
    return shlex.join([Path(words[0]).name, *words[1:]]) if words else ""


def _unfinished_tests(run: Run, place: Path) -> Iterator[Work]:
    """Tests of a run's model that are under way or were stopped."""
    for file in sorted(run.model.parent.glob(f".{run.name}*_result.npz.journal")):
        result = file.with_name(file.name.removeprefix(".").removesuffix(".journal"))
        named = ResultName.of(result)
        if named.run == run.name:
            running = files.worked_on(result)
            words = ["--test-on", named.tested_on] if named.tested_on else []
            command = _testing_command(run, *words, *(["--flip-test"] if named.flip_test else []))
            tested = named.in_words(run.dataset)
            done = f"its test on {tested}, {len(journal.read(file)) - 1} blocks noted"
            yield Work(str(place / run.name), _state(running), done, files.size(file),
                       "" if running else command)  # fmt: skip


def _state(alive: bool | None) -> str:
    return {True: "running", False: "stopped", None: "stopped, or running elsewhere"}[alive]


def sweeps(folders: Folders) -> Iterator[Work]:
    """All sweeps, by the trials that have finished."""
    for folder in sorted(folders.logs_dir.glob("*/sweep_*/")):
        trials = len(list(folder.glob("trials/*/*/*_trial.json")))
        file = folder / "sweep.json"
        whole = file.exists() and not files.read_json(file).get("stopped")
        name = str(folder.relative_to(folders.logs_dir))
        words = f"{trials:,} trials finished{'' if whole else '; the same command goes on'}"
        yield Work(name, "finished" if whole else "unfinished", words, files.size(folder))


def in_bytes(size: int) -> str:
    """A size in words, such as `18.6 MB`."""
    return f"{size / 1e9:,.2f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
