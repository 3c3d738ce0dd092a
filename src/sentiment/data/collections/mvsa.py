"""MVSA (Niu et al., 2016): tweets whose text and photo people labelled apart."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.data import text_lines
from sentiment.data.collections import labelled_photos
from sentiment.data.collections.collection import SENTIMENTS, Source
from sentiment.data.collections.labelled_photos import Labelled
from sentiment.data.collections.origin import Origin

LABELS = "labelResultAll.txt"


def read(origin: Origin) -> Source:
    """Read `labelResultAll.txt`, lines of `ID<tab>TEXT,PHOTO`, and the photos `data/ID.jpg`.

    MVSA-Multiple has three such pairs a line: what most of the three say of the text counts, and of
    the photo. Where text and photo differ, a polar label beats neutral; a tweet of which one is
    positive and the other negative is left out, as is one without a majority (Xu and Mao,
    MultiSentiNet, 2017).
    """
    file = origin.folder / LABELS
    if not file.is_file():
        raise UserError(f"{file}: no such list; --source is the folder that holds it")
    labelled, left_out, annotators = [], 0, 1
    for where, name, pairs in _tweets(file):
        annotators = len(pairs)
        label = _settled(*(_majority(side) for side in zip(*pairs, strict=True)))
        if label:
            labelled.append(Labelled(where, f"data/{name}.jpg", label))
        else:
            left_out += 1
    labels_from = f"people, {annotators} a tweet, of text and photo (MVSA)"
    source = labelled_photos.source(origin, labelled, labels_from, SENTIMENTS)
    note = f"{left_out:,} tweets left out: people contradict each other"
    return dataclasses.replace(source, notes=(note, *source.notes)) if left_out else source


def _tweets(file: Path) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Where each tweet stands, its ID, and the labels of text and photo by each annotator.

    Raises:
        UserError: a line is of another form.
    """
    with text_lines.opened(file) as text:
        for number, line in enumerate(text, 1):
            if number == 1 or not line.strip():
                continue
            name, *pairs = line.strip().split("\t")
            labels = [[label.strip() for label in pair.split(",")] for pair in pairs]
            if not labels or any(len(pair) != 2 or set(pair) - set(SENTIMENTS) for pair in labels):
                raise UserError(
                    f"{file}:{number}: expected ID, a tab and TEXT,PHOTO, each one of "
                    f"{', '.join(SENTIMENTS)}; received {line[:80]!r}"
                )
            yield f"{file}:{number}", name.strip(), labels


def _majority(labels: Sequence[str]) -> str | None:
    """The label that more than half say; None if there is none."""
    label, count = Counter(labels).most_common(1)[0]
    return label if count > len(labels) / 2 else None


def _settled(text: str | None, photo: str | None) -> str | None:
    """One label of text and photo; None if they contradict each other or one has none."""
    if text is None or photo is None:
        return None
    if text == photo or photo == "neutral":
        return text
    return photo if text == "neutral" else None
