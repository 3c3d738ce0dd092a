"""The report's tables of mistakes: each class's recall, and which classes are confused."""

import numpy as np
import pandas as pd

from sentiment.report.rows import table_of
from sentiment.report.table import COUNT, FRACTION, Table
from sentiment.runs import confusion_picture
from sentiment.runs.collect import TrainedModel, tested_models
from sentiment.runs.confusion import confusion, most_confused
from sentiment.runs.predictions import Predictions

MOST_PAIRS = 20
"""How many pairs of classes are listed."""

CLASS_FORMATS = {
    "images": COUNT,
    "precision": FRACTION,
    "recall": FRACTION,
    "F1": FRACTION,
    "times instead": COUNT,
}
PAIR_FORMATS = {"times": COUNT, "images": COUNT, "share": FRACTION}


def tables(model: TrainedModel, predictions: Predictions) -> list[Table]:
    """The tables of one model's test; of pairs only where the picture has no room for all."""
    names = predictions.class_names
    counts = confusion(predictions.y_true, predictions.y_pred, len(names))
    made = [_classes(model.name, names, counts)]
    if len(names) > confusion_picture.MOST_CLASSES:
        made.insert(0, _pairs(model.name, names, counts))
    return made


def matrices(models: list[TrainedModel]) -> dict[str, pd.DataFrame]:
    """Every model's whole confusion matrix by the name of its run: a row a true class."""
    return {
        model.run.name: pd.DataFrame(
            confusion(predictions.y_true, predictions.y_pred, len(predictions.class_names)),
            pd.Index(predictions.class_names, name="true, in columns said"),
            predictions.class_names,
        )
        for model, predictions in tested_models(models)
    }


def _pairs(title: str, names: tuple[str, ...], counts: np.ndarray) -> Table:
    pairs = most_confused(counts, MOST_PAIRS)
    rows = [
        {
            "true": names[pair.true],
            "said": names[pair.said],
            "times": pair.images,
            "images": pair.of,
            "share": pair.images / pair.of,
        }
        for pair in pairs
    ]
    note = "Images: those of the true class in the test split, of which the share is taken."
    title = f"{title}: the pairs of classes with the most mistakes"
    return table_of("confused_classes", title, rows, PAIR_FORMATS, [note])


def _classes(title: str, names: tuple[str, ...], counts: np.ndarray) -> Table:
    first = {pair.true: pair for pair in reversed(most_confused(counts, counts.size))}
    rows = []
    for label, name in enumerate(names):
        right, true, said = counts[label, label], counts[label].sum(), counts[:, label].sum()
        instead = first.get(label)
        rows.append({
            "class": name,
            "images": true,
            "precision": right / said if said else None,
            "recall": right / true if true else None,
            "F1": 2 * right / (true + said) if true + said else None,
            "most often said instead": names[instead.said] if instead else None,
            "times instead": instead.images if instead else None,
        })  # fmt: skip
    note = (
        "Precision: of the images said to be of the class, the share that is. Recall: of its "
        "images, the share said to be of it. F1: their harmonic mean."
    )
    return table_of("classes", f"{title}: the classes", rows, CLASS_FORMATS, [note])
