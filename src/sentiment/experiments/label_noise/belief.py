"""Confident learning (Northcutt, Jiang and Chuang, 2021), by cleanlab: which labels to doubt."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from cleanlab.count import estimate_joint
from cleanlab.filter import find_label_issues
from PIL import Image

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.data.dataset import Dataset
from sentiment.data.split import Split
from sentiment.experiments.label_noise.out_of_fold import SPLIT, Judged
from sentiment.exploration import contact_sheet
from sentiment.report.table import COUNT, FRACTION, Table
from sentiment.runs.accuracy import Accuracy, Reached

log = logging.getLogger(__name__)

DRAWS = 200
"""Draws of the bootstrap."""

SHOWN_CLASSES = 10
"""Classes that have a contact sheet, at most."""


def check(dataset: Dataset, folds: int) -> None:
    """Check that every class has a photo in each fold.

    Raises:
        UserError: one has too few.
    """
    name, fewest = min(dataset.counts(SPLIT).items(), key=lambda item: item[1])
    if fewest < folds:
        raise UserError(
            f"--folds {folds}: {name} has {fewest:,} training photos; expected one a fold"
        )


def write(dataset: Dataset, judged: Judged, title: str, folder: Path) -> None:
    """Estimate the noise of each class and find the photos whose labels are least believed; print,
    and write table, CSV and contact sheets."""
    split, class_names = dataset.split(SPLIT), dataset.class_names
    labels = split.labels[judged.rows]
    reached = Reached.of(labels, judged.y_prob.argmax(axis=1), class_names)
    found = find_label_issues(
        labels, judged.y_prob, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    table = _noise(labels, judged.y_prob, found, class_names)
    table.notes.append(f"Out of fold, {title} FT-F: {reached}.")
    table.notes.extend(_against_teacher(split, judged.rows, labels, found))
    table.save(folder)
    log.info("\n%s", table.title)
    for line in (*table.lines(), *table.notes):
        log.info("  %s", line)
    file = folder / "least_believed.csv"
    with files.whole_file(file) as temporary:
        _photos(split, judged, labels, found, class_names).to_csv(temporary, index=False)
    for label, class_name in enumerate(class_names[:SHOWN_CLASSES]):
        file_name = f"least_believed_{contact_sheet.file_name(label, class_name)}"
        of_class = judged.rows[found[labels[found] == label]]
        if len(of_class):
            heading = f"training photos labelled {class_name}, the least believed first"
            contact_sheet.draw(_images(split, of_class), heading, folder / file_name)
    log.info("Saved %s", folder / "{noise.csv,noise.md,least_believed_*.png}")
    log.info("Saved %s, %s photos: train without them with --drop", file, f"{len(found):,}")


def _noise(
    labels: np.ndarray, y_prob: np.ndarray, found: np.ndarray, class_names: tuple[str, ...]
) -> Table:
    """The noise of each class, with the interval of a bootstrap."""
    noise = _noise_by_class(labels, y_prob)
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        rows = random.integers(len(labels), size=len(labels))
        if len(np.unique(labels[rows])) == len(class_names):
            drawn.append(_noise_by_class(labels[rows], y_prob[rows]))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    frame = pd.DataFrame({
        "class": class_names,
        "n": np.bincount(labels, minlength=len(class_names)),
        "noise": noise,
        "95 % low": low,
        "95 % high": high,
        "least believed": np.bincount(labels[found], minlength=len(class_names)),
    })  # fmt: skip
    formats = {"n": COUNT, "least believed": COUNT}
    formats |= dict.fromkeys(["noise", "95 % low", "95 % high"], FRACTION)
    notes = [
        "noise: the share of the photos with this label that confident learning takes for another "
        f"class's; 95 % interval of {DRAWS} bootstrap draws of the photos. It counts as noise what "
        "the network cannot tell, too, which the interval does not cover: the less accurate the "
        "network, the less it says of the labels.",
    ]
    return Table("noise", "Noise of the training labels", frame, formats, notes)


def _noise_by_class(labels: np.ndarray, y_prob: np.ndarray) -> np.ndarray:
    """1 - P(true class = label | label), by label: float64 (classes,)."""
    joint = estimate_joint(labels, y_prob)
    return 1 - np.diag(joint) / joint.sum(axis=1)


def _against_teacher(
    split: Split, rows: np.ndarray, labels: np.ndarray, found: np.ndarray
) -> list[str]:
    """Say whether the teacher, who has not seen the photos, doubts the same labels: a sentence."""
    if split.shares is None or not 0 < len(found) < len(labels):
        return []
    doubted = split.shares[rows].argmax(axis=1) != labels
    others = np.delete(doubted, found)
    shares = [Accuracy(len(part), int(part.sum())) for part in (doubted[found], others)]
    words = [
        f"{s.value:.4f} ({s.interval[0]:.4f} to {s.interval[1]:.4f}, n = {s.n:,})" for s in shares
    ]
    return [
        "The teacher's largest share is another class than the label for this share of the least "
        f"believed: {words[0]}; of the others: {words[1]}."
    ]


def _photos(
    split: Split,
    judged: Judged,
    labels: np.ndarray,
    found: np.ndarray,
    class_names: tuple[str, ...],
) -> pd.DataFrame:
    """The least believed photos, the least believed one first."""
    names, y_prob = np.array(class_names), judged.y_prob[found]
    return pd.DataFrame({
        "photo": split.paths[judged.rows[found]],
        "label": names[labels[found]],
        "belief": y_prob[np.arange(len(found)), labels[found]].round(4),
        "rather": names[y_prob.argmax(axis=1)],
        "belief in that": y_prob.max(axis=1).round(4),
    })  # fmt: skip


def _images(split: Split, rows: np.ndarray) -> Iterator[Image.Image]:
    """The photos as they are stored, one by one: a sheet takes some of them."""
    for row in rows.tolist():
        image = np.empty(split.shape[1:], np.uint8)
        split.copy(np.array([row]), [image])
        yield Image.fromarray(image)
