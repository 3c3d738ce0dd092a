"""What the prediction scripts run: every image of a test split once, and how well it went."""

import base64
import functools
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentiment.base import cli, files, journal, provenance, sha256sums
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.engine import backend, cluster
from sentiment.engine.cluster import Cluster
from sentiment.model import model_file
from sentiment.model.recipe import Architecture, Recipe
from sentiment.runs import predictions, training_plan
from sentiment.runs.run_files import Run, TrainingData

if TYPE_CHECKING:
    import keras

    from sentiment.data.split import Split

log = logging.getLogger(__name__)

SPLIT = "test"

WIDEST_MATRIX = 20
"""Classes up to which the confusion matrix is printed: more do not fit on a screen."""


@dataclass(frozen=True)
class Options:
    """Flags of every prediction script."""

    data: TrainingData = field(default_factory=TrainingData)
    test_on: tuple[str, ...] = ()
    """Prepared data to test on, with the same classes or some of them; without it, --dataset."""
    batch_size: int = 64
    """Images at a time."""
    include_test_data: bool = False
    """Take the model that was trained with it, and so with the test images: no accuracy of it is
    a result."""
    overwrite: bool = False
    """Predict again though the result of this very model and data is there."""
    folders: Folders = field(default_factory=Folders)
    cluster: Cluster = field(default_factory=Cluster)


@cli.command()
def main(architecture: Architecture, recipe: Recipe) -> None:
    """Run a prediction script for the model that `recipe` trains."""
    options = cli.parse(Options)
    cluster.run(options.cluster, lambda: predict(architecture, recipe.layers, options))


def predict(architecture: Architecture, layers: str, options: Options) -> None:
    """Predict test splits, save each result as npz and print its figures.

    A result holds `y_true` and `y_pred` (int64, (n,)), `y_prob` (float32, (n, classes)),
    `paths`, `agreement`, `class_names` of the model, and `made_from` (JSON: what tells that
    very model and data). One that is there is not predicted again, and one that was stopped
    goes on where it was. Where the data tested have only some
    of the model's classes, the others' columns are left out when `y_pred` is chosen (You et
    al., 2015, and the paper do so for TTD).

    Raises:
        UserError: the model or the data are missing or do not belong together.
    """
    if options.batch_size < 1:
        raise UserError(f"--batch-size {options.batch_size}: expected 1 or more")
    run = Run(architecture.name, layers, options.data, options.folders, options.include_test_data)
    names = options.test_on or (run.dataset,)
    tests = [Dataset(options.folders.data_dir, name) for name in names]
    card = _card(run)
    columns = [_columns(tested, card["class_names"]) for tested in tests]
    model_sha256 = sha256sums.of(run.model)
    if options.cluster.several:
        backend.start(card["recipe"]["seed"], processes=options.cluster)
        data = {tested.name: tested.fingerprint for tested in tests}
        own = {"overwrite": options.overwrite, "batch size": options.batch_size}
        cluster.compare({"model": model_sha256, "data": data, **own, **provenance.versions()})
    log.info("%s, trained on %g %% of %s", run.model, card["percent"], card["dataset"])
    for tested in tests:
        if tested.name == run.dataset and tested.fingerprint != card["data_fingerprint"]:
            raise UserError(
                f"{tested.folder}: prepared anew since {run.model} was trained, so its test split "
                "may hold images that were trained on; train again with --overwrite"
            )
        n = sum(tested.counts(SPLIT).values())
        log.info("  predicts the %s split of %s, %s images", SPLIT, tested.name, f"{n:,}")
        log.info("  writes %s", run.result(tested.name))

    @functools.cache
    def model() -> "keras.Model":
        if not options.cluster.several:
            backend.start(card["recipe"]["seed"], processes=options.cluster)
        from sentiment.engine import devices  # Keras, which --help does without

        spread = devices.taken()
        with spread.scope():
            loaded = model_file.load(run.model)
        return spread.whole(loaded)

    for tested, of_classes in zip(tests, columns, strict=True):
        if not cluster.first():
            if not cluster.told(False):
                _take_part(model, card, tested, options)
            continue
        result = run.result(tested.name)
        ending = result.stem.removeprefix(run.name)
        with cli.log_to(run.log_file(f"{ending}.log")), files.locked(result):
            made_from = {"model": model_sha256, "data": tested.fingerprint, "split": SPLIT}
            arrays = None if options.overwrite else _finished(result, made_from)
            if not cluster.told(arrays is not None):
                arrays = _test(model, card, tested, of_classes, result, made_from, options)
                last_line = f"Saved {result}"
            else:
                last_line = f"{result} was there, of this very model and data (--overwrite)"
            log.info("%s, trained on %g %% of %s", run.model, card["percent"], card["dataset"])
            what = f"{run.mark}{tested.name} {SPLIT} split"
            for line in _figures(arrays, of_classes, what):
                log.info(line)
            log.info(last_line)
    cluster.wait()


def _take_part(
    model: Callable[[], "keras.Model"], card: dict, tested: Dataset, options: Options
) -> None:
    """Predict a test split with the first process, which keeps what comes out."""
    split, classes = tested.split(SPLIT), len(card["class_names"])
    model()
    with progress("predicting", len(split)) as advance:
        for _ in _blocks(model, split, classes, cluster.told(0), options.batch_size, advance):
            pass


def _test(
    model: Callable[[], "keras.Model"],
    card: dict,
    tested: Dataset,
    columns: np.ndarray,
    result: Path,
    made_from: dict[str, str],
    options: Options,
) -> dict[str, np.ndarray]:
    """Predict one test split and save the result."""
    split = tested.split(SPLIT)
    unfinished = result.with_name(f".{result.name}.journal")
    y_prob = _probabilities(model, card, split, unfinished, made_from, options.batch_size)
    leaking = bool(card.get(model_file.LEAKS))
    arrays = predictions.write(
        result, split, y_prob, columns, card["class_names"], made_from, leaking
    )
    unfinished.unlink()
    return arrays


def _probabilities(
    model: Callable[[], "keras.Model"],
    card: dict,
    split: "Split",
    unfinished: Path,
    made_from: dict[str, str],
    batch_size: int,
) -> np.ndarray:
    """What the model says of every image of a split, float32 (n, classes).

    Args:
        unfinished: where finished blocks are noted, and taken from.
    """
    model()  # which starts Keras
    import keras

    plan = {name: value[:16] for name, value in made_from.items()}
    plan |= {"batch_size": batch_size, "backend": keras.config.backend(), **provenance.versions()}
    done, classes = journal.Journal(unfinished, plan), len(card["class_names"])
    if done.difference:
        log.info("  starts anew: an unfinished prediction is there with %s", done.difference)
        done.rewind(0)
    noted = (np.frombuffer(base64.b64decode(block["y_prob"]), "<f4") for block in done.blocks)
    parts = [part.reshape(-1, classes) for part in noted]
    first, new = sum(map(len, parts)), len(parts)
    if first:
        log.info("  goes on after %s of %s images", f"{first:,}", f"{len(split):,}")
    reached = cluster.told(first)
    with progress("predicting", len(split), before=first) as advance:
        for part in _blocks(model, split, classes, first, batch_size, advance):
            parts.append(part)
            reached += len(part)
            if done.due and reached < len(split):
                computed = np.concatenate(parts[new:]).astype("<f4")
                done.add({"y_prob": base64.b64encode(computed).decode()})
                new = len(parts)
    return np.concatenate(parts)


def _blocks(
    model: Callable[[], "keras.Model"],
    split: "Split",
    classes: int,
    start: int,
    batch_size: int,
    advance: Callable[[int], None],
) -> Iterator[np.ndarray]:
    """What the model says of the images from `start` on, a block at a time, float32 (b, classes).

    Raises:
        UserError: memory is short, or these are no probabilities.
    """
    from sentiment.engine import batches  # Keras, which --help does without

    in_order = batches.Batches(split, np.arange(len(split)), batch_size, shuffle_seed=None)
    try:
        for part in batches.predict(model(), in_order, advance, start):
            if part.shape[1:] != (classes,) or not np.isfinite(part).all():
                raise UserError("the model does not give probabilities; train it again")
            yield part
    except Exception as error:
        if not backend.out_of_memory(error):
            raise
        raise UserError(
            f"out of memory with {batch_size} images at a time; give a lower --batch-size, such "
            f"as {max(1, batch_size // 2)}"
        ) from error


def _finished(result: Path, made_from: dict[str, str]) -> dict[str, np.ndarray] | None:
    """The result that is there, if it is whole and of this very model and data."""
    if not result.exists():
        return None
    try:
        predictions.read(result, all_classes=False)
        with np.load(result, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return arrays if json.loads(str(arrays["made_from"])) == made_from else None
    except (UserError, KeyError, ValueError):  # it is replaced
        return None


def _card(run: Run) -> dict:
    """The card of the run's model, which must be of the very percent asked for."""
    make = f"make it with {run.training_command}"
    if not run.model.exists():
        raise UserError(f"{run.model}: not there; {make}")
    card = model_file.read_card(run.model)
    training_plan.check_leaking(run.model, card, run)
    if card["percent"] != run.percent:
        raise UserError(
            f"{run.model}: trained on {card['percent']:g} %, not {run.percent:g} %; "
            f"predict with --percent {card['percent']:g}, or {make}"
        )
    return card


def _columns(tested: Dataset, class_names: list[str]) -> np.ndarray:
    """Of each class of the data tested, its column in the model's probabilities."""
    unknown = set(tested.class_names) - set(class_names)
    if unknown:
        raise UserError(
            f"{tested.folder}: has the class {sorted(unknown)[0]}, which the model does not "
            f"know; it knows {', '.join(class_names[:10])}"
        )
    return np.array([class_names.index(name) for name in tested.class_names])


def _figures(arrays: dict[str, np.ndarray], columns: np.ndarray, what: str) -> Iterator[str]:
    """The result in words: accuracy, at each agreement level if there are any, and by class."""
    from sentiment.runs.accuracy import accuracy, confusion

    y_true, y_pred, agreement = (arrays[name] for name in ("y_true", "y_pred", "agreement"))
    for level in sorted(set(agreement.tolist()) - {0}, reverse=True):
        rows = agreement >= level
        some = accuracy(y_true[rows], y_pred[rows])
        yield f"{what}, at least {level} annotators agree: {some}"
    yield f"{what}: {accuracy(y_true, y_pred)}"

    names = [f"{column} {arrays['class_names'][column]}" for column in columns]
    counts = confusion(y_true, y_pred, len(arrays["class_names"]))[np.ix_(columns, columns)]
    shown = len(names) if len(names) <= WIDEST_MATRIX else 0
    if not shown:
        yield f"  {len(names)} classes: their confusion matrix is too wide here, the result has it"
    width = max(5, *map(len, names))
    said_as = "".join(f"{f'as {number}':>7}" for number in columns[:shown])
    yield f"  {'class':{width}} precision  recall  images{said_as}"
    for row, name in enumerate(names):
        right, true, said = counts[row, row], counts[row].sum(), counts[:, row].sum()
        precision = f"{right / said:.4f}" if said else "-"
        recall = f"{right / true:.4f}" if true else "-"
        cells = "".join(f"{count:7,}" for count in counts[row, :shown])
        yield f"  {name:{width}} {precision:>9} {recall:>7} {true:7,}{cells}"
