"""The teacher beside people's tags, and beside a second teacher."""

from typing import NamedTuple

import numpy as np

from sentiment.cross_media import agreement
from sentiment.cross_media.agreement import Agreement, Share
from sentiment.cross_media.confidence import labels_of
from sentiment.cross_media.filters import Reason
from sentiment.cross_media.labelled import Labelled


class Second(NamedTuple):
    """Two teachers on the posts that both have read."""

    name: str
    share: Share
    """Where both give the same label."""
    opposed: int
    """Posts that one calls positive and the other negative."""
    confusion: list[list[int]]
    """Posts by the first one's label (row) and the second's (column)."""


class Comparison(NamedTuple):
    """What is known of how far the labels can be trusted."""

    people: Agreement | None
    people_kept: Agreement | None
    """The teacher and people, on the posts of which a photo is in the set."""
    second_people: Agreement | None
    """The second teacher and people."""
    second: Second | None


def compare(found: Labelled) -> Comparison:
    """Compare the teacher with all that there is to compare it with."""
    kept = np.zeros(len(found.candidates.tags), bool)
    kept[found.items.posts[found.items.reasons == Reason.KEPT]] = True
    everywhere = np.ones_like(kept)
    two = len(found.readers) > 1
    return Comparison(
        _with_people(found, 0, everywhere),
        _with_people(found, 0, kept),
        _with_people(found, 1, everywhere) if two else None,
        _second(found) if two else None,
    )


def lines(name: str, people: Agreement) -> list[str]:
    """How a teacher agrees with people, as lines for the screen."""
    rows = [("all, three classes", people.all)]
    rows += [(f"both polar, {words}", share) for words, share in people.polar]
    width = max(len(words) for words, _ in rows)
    said = [f"  {name} and people agree"]
    for words, share in rows:
        value = f"{share.value:.3f}, 95 % interval {share.low:.3f} to {share.high:.3f}"
        said.append(f"    {words:{width}}  {value if share.n else 'none'}, n = {share.n:,}")
    return said


def second_line(name: str, second: Second) -> str:
    """How two teachers agree, as a line for the screen."""
    share = second.share
    value = f"{share.value:.3f}, 95 % interval {share.low:.3f} to {share.high:.3f}, n = {share.n:,}"
    return (
        f"  {name} and {second.name} agree on {value if share.n else 'none'}; one positive, one "
        f"negative: {second.opposed:,}"
    )


def _with_people(found: Labelled, number: int, rows: np.ndarray) -> Agreement | None:
    """Agreement of a reader with tags in some rows; None if nothing is tagged there."""
    scores = found.scores[number]
    rows = rows & (found.candidates.tags >= 0) & ~np.isnan(scores[:, 0])
    if not rows.any():
        return None
    strength = found.readers[number].strength
    return agreement.with_people(found.candidates.tags[rows], scores[rows], strength)


def _second(found: Labelled) -> Second:
    first, second = found.scores
    both = ~np.isnan(first[:, 0]) & ~np.isnan(second[:, 0])
    ours, theirs = labels_of(first[both])[0], labels_of(second[both])[0]
    return Second(
        found.readers[1].in_words,
        agreement.share(int((ours == theirs).sum()), len(ours)),
        int((np.abs(ours - theirs) == 2).sum()),
        agreement.confusion(ours, theirs),
    )
