"""The set that is left in a folder: split, listed, linked, with its scores, facts and page."""

import dataclasses
import importlib.metadata
import logging
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.cross_media import (
    comparison,
    funnel,
    languages,
    page,
    score_table,
    sheets,
    splits,
    thresholds,
    written_set,
)
from sentiment.cross_media.comparison import Comparison
from sentiment.cross_media.confidence import FLAG, labels_of
from sentiment.cross_media.cross_media import Options
from sentiment.cross_media.filters import Reason
from sentiment.cross_media.labelled import Labelled
from sentiment.cross_media.teacher import HEADER
from sentiment.cross_media.written_set import Listed
from sentiment.data.collections import t4sa
from sentiment.data.collections.collection import SENTIMENTS

log = logging.getLogger(__name__)

PAGE = "cross_media.html"
SCORES = "scores.tsv"


class Kept(NamedTuple):
    """The m photos of the set."""

    items: np.ndarray
    """Rows of the items, int64, shape (m,)."""
    labels: np.ndarray
    """Codes of their classes, int64, (m,)."""
    confidence: np.ndarray
    """Probabilities of their labels, float64, (m,)."""
    groups: np.ndarray
    """Numbers of what belongs together, from 0, int64, (m,)."""


def write(found: Labelled, options: Options, percents: tuple[float, ...], folder: Path) -> None:
    """Write the set; the lists come last, so that a half-written one is never prepared.

    Args:
        found: the labelled photos.
        options: the flags.
        percents: percents of the splits.
        folder: the set's folder, which `written_set.claim` has made.

    Raises:
        UserError: too few photos are left for every split.
    """
    kept = _kept(found)
    for line in funnel.lines(found.steps):
        log.info(line)
    listed = _listed(found, kept, splits.split(kept.labels, kept.groups, percents, options.seed))
    counts = written_set.counts(listed, SENTIMENTS)
    _check(counts, folder)
    written_set.withdraw(folder)
    way = written_set.link(folder, listed, found.posts.photos)
    scored = np.flatnonzero(~np.isnan(found.scores[0][:, 0]))
    ids = [found.candidates.ids[row] for row in scored]
    score_table.write(folder / SCORES, ids, found.scores[0][scored])
    compared = comparison.compare(found)
    facts = _facts(found, options, counts, compared, way)
    files.write_json(folder / t4sa.HOW, facts)
    page.write(folder / PAGE, _for_page(found, options, kept, counts, compared))
    written_set.write_lists(folder, listed)
    _say(found, options, counts, compared, folder, way)


def _kept(found: Labelled) -> Kept:
    """The photos of the set, with their labels and what belongs together.

    Together stand the photos of a post, near copies, and the posts of an equal text or an author.
    """
    items, known = found.items, found.candidates
    rows = np.flatnonzero(items.reasons == Reason.KEPT)
    posts = items.posts[rows]
    labels, confidence = labels_of(found.scores[0][posts])
    keys = [posts + 1, items.groups[rows] + 1, known.folded_keys[posts], known.author_keys[posts]]
    return Kept(rows, labels, confidence, splits.together(len(rows), keys))


def _listed(found: Labelled, kept: Kept, parts: np.ndarray) -> list[Listed]:
    """The photos of the set as they are listed, in the order of the posts."""
    listed = []
    rows = zip(kept.items.tolist(), kept.labels.tolist(), parts.tolist(), strict=True)
    for item, label, part in rows:
        post, number = int(found.items.posts[item]), int(found.items.numbers[item])
        photos = found.candidates.photos[post]
        name = written_set.names(found.candidates.ids[post], photos)[number]
        listed.append(Listed(name, photos[number], label, part))
    return listed


def _check(counts: Mapping[str, Mapping[str, int]], folder: Path) -> None:
    """Raise UserError if a split is empty."""
    for split, by_class in counts.items():
        if not sum(by_class.values()):
            raise UserError(
                f"{folder}: no photo is left for the {split} split; keep more with other filters, "
                f"such as a lower {FLAG}"
            )


def _facts(
    found: Labelled,
    options: Options,
    counts: Mapping[str, Mapping[str, int]],
    compared: Comparison,
    way: str,
) -> dict[str, Any]:
    """How the labels were made, as JSON; neither times nor machines, which would differ."""
    reader = found.readers[0]
    sure = found.confidence.in_words
    return {
        "labels_from": f"the posts' text, read by {reader.in_words}, confidence {sure} or more",
        "teacher": dict(reader.identity),
        "min_confidence": dict(zip(HEADER, found.confidence.least, strict=True)),
        "filters": dataclasses.asdict(options.filters)
        | ({} if options.filters.language == languages.ANY else _detector()),
        "balance": options.balance,
        "split": options.split,
        "seed": options.seed,
        "posts": {"table": str(options.posts), "sha256": found.checksum}
        | {"columns": found.posts.columns, "photos": str(found.posts.photos)},
        "photos_are": way,
        "steps": [step._asdict() for step in found.steps],
        "counts": counts,
        "agreement": _as_json(compared),
    }


def _detector() -> dict[str, str]:
    return {"language_detector": f"py3langid {importlib.metadata.version('py3langid')}"}


def _as_json(value: object) -> object:
    """Named tuples as dictionaries, NaN as null."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _as_json(part) for key, part in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_as_json(part) for part in value]
    return None if isinstance(value, float) and value != value else value


def _for_page(
    found: Labelled,
    options: Options,
    kept: Kept,
    counts: Mapping[str, Mapping[str, int]],
    compared: Comparison,
) -> dict[str, Any]:
    """What the page's template names."""
    came = found.with_reason(Reason.UNSURE)
    scores = found.scores[0][found.items.posts[came]]
    histograms = thresholds.histograms(scores)
    photos = [found.photo(item) for item in kept.items.tolist()]
    sizes = np.bincount(kept.groups)
    strength = found.readers[0].strength
    return {
        "name": options.into.resolve().name,
        "teacher": found.readers[0].in_words,
        "classes": SENTIMENTS,
        "funnel": found.steps,
        "times": found.candidates.times,
        "counts": counts,
        "groups": {"several": int((sizes > 1).sum()), "largest": int(sizes.max())},
        "together": _together(found),
        **compared._asdict(),
        "histograms": histograms,
        "edges": [f"{edge:g}" for edge in thresholds.EDGES.tolist()],
        "most": max(1, *(max(it.counts) for it in histograms)),
        "strength": strength.name,
        "strength_at": strength.of(np.array([0.5, 0.7, 0.9])).tolist(),
        "thresholds": thresholds.kept(scores),
        "min_confidence": f"{FLAG} {found.confidence.in_words}",
        "sheets": sheets.draw(
            found.posts.photos, photos, kept.labels, kept.confidence, SENTIMENTS, options.seed
        ),
        "seed": options.seed,
    }


def _together(found: Labelled) -> str:
    """What stands on one side of the splits, in words."""
    author = (
        " and the posts of one author"
        if "author" in found.posts.columns
        else "; authors are not known"
    )
    return f"In one split stand the photos of a post, near photos, equal texts{author}."


def _say(
    found: Labelled,
    options: Options,
    counts: Mapping[str, Mapping[str, int]],
    compared: Comparison,
    folder: Path,
    way: str,
) -> None:
    """Say what was made, and what to do with it."""
    for name, people in [
        (found.readers[0].in_words, compared.people),
        (found.readers[-1].in_words, compared.second_people),
    ]:
        for line in comparison.lines(name, people) if people else ():
            log.info(line)
    if compared.second:
        log.info(comparison.second_line(found.readers[0].in_words, compared.second))
    for split, by_class in counts.items():
        tally = ", ".join(f"{name} {count:,}" for name, count in by_class.items())
        log.info("  %s: %s photos; %s", split, f"{sum(by_class.values()):,}", tally)
    log.info("  photos are %s to %s", way, found.posts.photos)
    log.info("Wrote %s", folder)
    log.info("  look at %s", options.into / PAGE)
    source = shlex.quote(str(options.into))
    log.info("  then: python scripts/prepare_data.py t4sa --source %s", source)
