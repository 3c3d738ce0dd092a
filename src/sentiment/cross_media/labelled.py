"""From a table of posts to labelled photos: read, filter, score, filter again."""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sentiment.base import sha256sums
from sentiment.base.errors import UserError
from sentiment.cross_media import candidates, funnel, photo_filters, tags, teachers
from sentiment.cross_media.balance import balanced
from sentiment.cross_media.candidates import Candidates
from sentiment.cross_media.confidence import FLAG, Confidence, labels_of
from sentiment.cross_media.cross_media import Options
from sentiment.cross_media.filters import Reason
from sentiment.cross_media.funnel import Step
from sentiment.cross_media.photo_filters import Items
from sentiment.cross_media.posts import Posts
from sentiment.cross_media.teachers import Reader

log = logging.getLogger(__name__)


class Labelled(NamedTuple):
    """Posts and photos with what every filter and teacher says of them."""

    posts: Posts
    checksum: str
    """SHA-256 of the posts' table."""
    candidates: Candidates
    items: Items
    readers: list[Reader]
    """The teacher whose labels count, and perhaps one beside it."""
    scores: list[np.ndarray]
    """Their scores of all n posts, float64, shape (n, 3); NaN where there is none."""
    confidence: Confidence
    steps: list[Step]

    def photo(self, item: int) -> str:
        """Path of one of the items, relative to the folder of the photos."""
        return self.candidates.photos[self.items.posts[item]][self.items.numbers[item]]

    def with_reason(self, least: Reason) -> np.ndarray:
        """Rows of the items that are kept, or left out for this reason or a later one."""
        reasons = self.items.reasons
        return np.flatnonzero((reasons == Reason.KEPT) | (reasons >= least))


def label(options: Options, work: Path) -> Labelled:
    """Label the photos of posts.

    Args:
        options: the flags.
        work: folder of what an interrupted call leaves, and another call reads again.

    Raises:
        UserError: a flag is wrong, or a table is not of its form.
    """
    confidence = Confidence.of(options.min_confidence)
    tagged = tags.read(options.tags)
    posts = Posts(options.posts, _root(options), options.columns)
    readers = teachers.chosen(options.teacher, options.scores, posts, work)
    count = posts.count()
    _announce(posts, count, readers)
    checksum = sha256sums.of(options.posts)
    known = candidates.read(posts, count, options.filters, tagged)
    _check_photos(posts, known)
    items = photo_filters.read(known, posts.photos, work / "photos.csv", options.filters)
    left = np.unique(items.posts[items.reasons == Reason.KEPT])
    needed = known.tags >= 0
    needed[left] = True
    scores = [reader.scores(known, needed) for reader in readers]
    _filter_by_scores(items, scores[0], confidence)
    if options.balance:
        _balance(items, scores[0], options.seed)
    by_table = options.teacher is None and options.scores is not None
    on = options.filters.in_words(
        f"{FLAG} {confidence.in_words}", f"in {options.scores}" if by_table else "", options.balance
    )
    steps = funnel.steps(known, items, on)
    return Labelled(posts, checksum, known, items, readers, scores, confidence, steps)


def _root(options: Options) -> Path:
    return (options.photos or options.posts.parent).resolve()


def _announce(posts: Posts, count: int, readers: list[Reader]) -> None:
    """Say what is read, and how."""
    log.info("Posts in %s: %s", posts.file, f"{count:,}")
    columns = ", ".join(f"{what} in {column}" for what, column in posts.columns.items())
    log.info("  columns: %s", columns)
    where = " as NNNNN/ID-N.jpg" if posts.by_id else ""
    log.info("  photos in %s%s", posts.photos, where)
    log.info("  labels by %s", readers[0].in_words)
    for reader in readers[1:]:
        log.info("  compared with %s", reader.in_words)


def _check_photos(posts: Posts, known: Candidates) -> None:
    """Raise UserError if no post has a photo."""
    if not known.photo_counts.any():
        expected = (
            f"{posts.photos}/data/NNNNN/ID-N.jpg; or name their column with --photo-column"
            if posts.by_id
            else f"paths in column {posts.columns['photo']}"
        )
        raise UserError(f"{posts.file}: no post has a photo; expected {expected}")


def _filter_by_scores(items: Items, scores: np.ndarray, confidence: Confidence) -> None:
    """Leave out photos of posts without a score, and of those whose label is not sure."""
    kept = np.flatnonzero(items.reasons == Reason.KEPT)
    of_photos = scores[items.posts[kept]]
    lacking = np.isnan(of_photos[:, 0])
    items.reasons[kept[lacking]] = Reason.NO_SCORE
    kept, of_photos = kept[~lacking], of_photos[~lacking]
    items.reasons[kept[~confidence.is_sure(of_photos)]] = Reason.UNSURE


def _balance(items: Items, scores: np.ndarray, seed: int) -> None:
    kept = np.flatnonzero(items.reasons == Reason.KEPT)
    labels, _ = labels_of(scores[items.posts[kept]])
    items.reasons[np.delete(kept, balanced(labels, seed))] = Reason.BALANCE
