"""What a trained model says of the validation images, as pictures in TensorBoard's record."""

import io

import numpy as np
from PIL import Image

from sentiment.data.dataset import Dataset
from sentiment.data.split import Split
from sentiment.runs import confusion_picture, picture
from sentiment.runs.predictions import Predictions

MISTAKES = 12
"""How many photos are shown that the model was wrong about, the surest first."""


def pictures(
    title: str, dataset: Dataset, rows: np.ndarray, y_prob: np.ndarray
) -> dict[str, bytes]:
    """Draw the confusion matrix and the surest mistakes, as PNG by their tags.

    Args:
        title: the model's name.
        rows: rows of the validation split, int64 (n,).
        y_prob: what the model says of them, float32 (n, classes).
    """
    split = dataset.split("validation")
    said = Predictions(
        split.labels[rows].astype(np.int64),
        y_prob.argmax(axis=1),
        y_prob,
        split.paths[rows],
        split.agreement[rows],
        tuple(dataset.class_names),
    )
    with picture.style(said.class_names):
        matrix = confusion_picture.draw([(title, said)]).png()
    return {"validation/confusion matrix": matrix} | _surest_mistakes(split, rows, said)


def _surest_mistakes(split: Split, rows: np.ndarray, said: Predictions) -> dict[str, bytes]:
    wrong = np.flatnonzero(~said.right)
    surest = wrong[np.argsort(-said.confidence[wrong], kind="stable")][:MISTAKES]
    shown = {}
    for number, place in enumerate(surest.tolist(), 1):
        true = said.class_names[said.y_true[place]]
        box = io.BytesIO()
        row = int(rows[place])
        Image.fromarray(split.images[row : row + 1][0]).save(box, format="PNG")
        shown[f"mistakes/{number:02} {true}, {said.in_words(place)}"] = box.getvalue()
    return shown
