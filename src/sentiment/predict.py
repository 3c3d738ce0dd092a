"""What the prediction scripts run: every image of a test split once, and how well it went."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentiment import backend, cli, files, model_file, project
from sentiment.dataset import Dataset
from sentiment.errors import UserError
from sentiment.progress import progress
from sentiment.recipe import Architecture, Recipe
from sentiment.runs import Run

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

SPLIT = "test"

WIDEST_MATRIX = 20
"""Classes up to which the confusion matrix is printed: more do not fit on a screen."""


@dataclass(frozen=True)
class Options:
    """Flags of every prediction script."""

    dataset: str = "t4sa"
    """Name of the data the model was trained on."""
    percent: float = 100.0
    """Take the model that was trained with this --percent; the test split is always whole."""
    test_on: tuple[str, ...] = ()
    """Prepared data to test on, with the same classes or some of them; without it, --dataset."""
    batch_size: int = 64
    """Images at a time."""
    data_dir: Path = project.DATA_DIR
    """Where prepared data lie."""
    logs_dir: Path = project.LOGS_DIR
    """Where the log goes."""
    models_dir: Path = project.MODELS_DIR
    """Where the model lies and the result goes."""


@cli.command()
def main(architecture: Architecture, recipe: Recipe) -> None:
    """Run a prediction script for the model that `recipe` trains."""
    predict(architecture, recipe.layers, cli.parse(Options))


def predict(architecture: Architecture, layers: str, options: Options) -> None:
    """Predict test splits, save each result as npz and print its figures.

    A result holds `y_true` and `y_pred` (int64, (n,)), `y_prob` (float32, (n, classes)),
    `paths`, `agreement` and `class_names` of the model. Where the data tested have only some
    of the model's classes, the others' columns are left out when `y_pred` is chosen (You et
    al., 2015, and the paper do so for TTD).

    Raises:
        UserError: the model or the data are missing or do not belong together.
    """
    if options.batch_size < 1:
        raise UserError(f"--batch-size {options.batch_size}: expected 1 or more")
    run = Run(
        architecture.name,
        layers,
        options.dataset,
        options.percent,
        options.logs_dir,
        options.models_dir,
    )
    names = options.test_on or (options.dataset,)
    tests = [Dataset(options.data_dir, name) for name in names]
    card = _card(run)
    columns = [_columns(tested, card["class_names"]) for tested in tests]
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

    backend.start(card["recipe"]["seed"])
    model = model_file.load(run.model)
    for tested, of_classes in zip(tests, columns, strict=True):
        ending = run.result(tested.name).stem.removeprefix(run.name)
        with cli.log_to(run.log_file(f"{ending}.log")):
            _test(model, run, card, tested, of_classes, options.batch_size)


def _test(
    model: "keras.Model",
    run: Run,
    card: dict,
    tested: Dataset,
    columns: np.ndarray,
    batch_size: int,
) -> None:
    """Predict one test split, save the result and print its figures."""
    from sentiment import batches  # Keras, which --help does without

    split, result = tested.split(SPLIT), run.result(tested.name)
    in_order = batches.Batches(split, np.arange(len(split)), batch_size, shuffle_seed=None)
    with progress(f"predicting {tested.name}", len(split)) as advance:
        y_prob = batches.predict(model, in_order, advance)
    if y_prob.shape != (len(split), len(card["class_names"])) or not np.isfinite(y_prob).all():
        raise UserError(f"{run.model}: does not give probabilities; train it again")
    arrays = {
        "y_true": columns[split.labels],
        "y_pred": columns[y_prob[:, columns].argmax(axis=1)],
        "y_prob": y_prob,
        "paths": split.paths,
        "agreement": split.agreement,
        "class_names": np.array(card["class_names"]),
    }
    with files.whole_file(result) as temporary:
        np.savez(temporary, **arrays)
    log.info("%s, trained on %g %% of %s", run.model, card["percent"], card["dataset"])
    for line in _figures(arrays, columns, f"{tested.name} {SPLIT} split"):
        log.info(line)
    log.info("Saved %s", result)


def _card(run: Run) -> dict:
    """The card of the run's model, which must be of the very percent asked for."""
    script = project.training_script(run.architecture, run.layers)
    make = f"make it with {project.command(script, *run.flags)}"
    if not run.model.exists():
        raise UserError(f"{run.model}: not there; {make}")
    card = model_file.read_card(run.model)
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
    from sentiment import metrics

    y_true, y_pred, agreement = (arrays[name] for name in ("y_true", "y_pred", "agreement"))
    for level in sorted(set(agreement.tolist()) - {0}, reverse=True):
        rows = agreement >= level
        some = metrics.accuracy(y_true[rows], y_pred[rows])
        yield f"{what}, at least {level} annotators agree: {some}"
    yield f"{what}: {metrics.accuracy(y_true, y_pred)}"

    names = [f"{column} {arrays['class_names'][column]}" for column in columns]
    counts = metrics.confusion(y_true, y_pred, len(arrays["class_names"]))[np.ix_(columns, columns)]
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
