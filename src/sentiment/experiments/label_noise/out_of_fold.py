"""What FT-F says of each training photo when it has learned from the others, fold by fold."""

import dataclasses
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from sentiment.base import cli, files
from sentiment.base.errors import UserError
from sentiment.base.progress import progress
from sentiment.data import stratify
from sentiment.engine import batches
from sentiment.runs import accuracy
from sentiment.runs.training_plan import Training
from sentiment.training import fit
from sentiment.training.checkpoint import assign, values
from sentiment.training.memory_remedy import memory_remedy
from sentiment.training.setup import Setup

log = logging.getLogger(__name__)

SPLIT = "train"


@dataclass(frozen=True)
class Judged:
    """Training photos, each with what a network says that did not learn from it."""

    rows: np.ndarray
    """Ascending row numbers of the split, int64 (n,)."""
    y_prob: np.ndarray
    """Probability of each class, float32 (n, classes)."""


def predict(training: Training, folds: int, folder: Path) -> Judged:
    """Train FT-F on all folds but one, and predict that one, for each of them.

    A fold that has been predicted before is read. The weights kept are those of the epoch with the
    best loss on the validation split, which no fold has photos of.

    Args:
        training: FT-F of all training photos.
        folder: where the folds' files go, into a folder of their own.

    Raises:
        UserError: a training failed, or memory or disk are short.
    """
    split, recipe = training.dataset.split(SPLIT), training.recipe
    keras.config.set_dtype_policy(recipe.precision)
    keras.utils.set_random_seed(recipe.seed)
    with memory_remedy(recipe):
        setup = Setup(training)
        whole = setup.inputs[SPLIT]
        first_weights = values(setup.learner.variables)
        # The very same pixels would be judged by one who knows their label.
        groups = np.unique(split.checksums[whole.rows], return_inverse=True)[1]
        labels = split.labels[whole.rows]
        parts = stratify.split(labels, (100 / folds,) * folds, recipe.seed, groups)
        y_prob = np.zeros((len(labels), len(training.dataset.class_names)), np.float32)
        place = folder / "folds" / _key(training, folds)
        for number, part in enumerate(parts, 1):
            file = place / f"{number}.npz"
            if not file.exists():
                setup.inputs[SPLIT] = whole.only(np.delete(whole.rows, part))
                assign(setup.learner.variables, first_weights)
                _predict_fold(training, setup, whole.rows[part], file)
            y_prob[part] = _read(file)
            reached = accuracy.Reached.of(
                labels[part], y_prob[part].argmax(axis=1), training.dataset.class_names
            )
            log.info("fold %d of %d: %s", number, folds, reached)
    return Judged(whole.rows, y_prob)


def _key(training: Training, folds: int) -> str:
    """Names the folder of the folds of this training."""
    depends_on = json.dumps([training.plan, folds], sort_keys=True)
    return hashlib.sha256(depends_on.encode()).hexdigest()[:12]


def _predict_fold(training: Training, setup: Setup, rows: np.ndarray, file: Path) -> None:
    """Train on the setup's images, predict the rows, and save their probabilities."""
    place = file.with_suffix("")
    folders = dataclasses.replace(training.run.folders, logs_dir=place, models_dir=place)
    run = dataclasses.replace(training.run, folders=folders)
    training = dataclasses.replace(training, run=run)
    with cli.log_to(run.log_file(".log"), run.checkpoint.exists(), screen=False):
        fit.fit(training, None, setup)
    size = training.recipe.batch_size // training.recipe.gradient_accumulation_steps
    in_order = batches.Batches(setup.inputs[SPLIT], rows, size, shuffle_seed=None)
    with progress("predicting", len(rows)) as advance:
        blocks = list(batches.predicted(setup.answering, in_order, advance))
    with files.whole_file(file) as temporary:
        np.savez(temporary, y_prob=np.concatenate(blocks))
    run.checkpoint.unlink(missing_ok=True)


def _read(file: Path) -> np.ndarray:
    try:
        with np.load(file, allow_pickle=False) as stored:
            return stored["y_prob"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{file}: damaged ({error}); remove it") from None
