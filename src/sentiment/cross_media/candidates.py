"""The first reading of all posts: what the rest of the work needs of each, and no text."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from sentiment.base.progress import progress
from sentiment.cross_media import languages, texts
from sentiment.cross_media.filters import Filters, Reason
from sentiment.cross_media.posts import Post, Posts

STEP = 1000
"""Posts between two words of progress."""


class Candidates(NamedTuple):
    """What is known of n posts, row by row; memory holds no texts."""

    reasons: np.ndarray
    """Reason why a post is left out for its text, uint8, shape (n,)."""
    ids: list[str]
    """Ids of the posts that are kept or tagged; empty for others."""
    id_keys: np.ndarray
    """Numbers of the ids as `texts.key` makes them, uint64, (n,)."""
    text_keys: np.ndarray
    """Numbers of the texts as a teacher reads them, uint64, (n,)."""
    folded_keys: np.ndarray
    """Numbers of the texts in which case does not count, uint64, (n,)."""
    author_keys: np.ndarray
    """Numbers of the authors, uint64, (n,); 0 where none is known."""
    photos: list[tuple[str, ...]]
    """Photos of the posts that are kept; none for others."""
    photo_counts: np.ndarray
    """Photos of every post, int64, (n,)."""
    tags: np.ndarray
    """What people say of a post: 0, 1, 2 for negative, neutral, positive, -1 for nothing; (n,)."""
    times: tuple[str, str] | None
    """The first and the last time, where there are any."""


def read(posts: Posts, count: int, filters: Filters, tags: Mapping[str, int]) -> Candidates:
    """Read all posts and filter them by their texts.

    Args:
        posts: the posts.
        count: how many there are.
        filters: which are left out.
        tags: what people say of posts, by their ids or by the paths of photos.

    Raises:
        UserError: a row, which is named by its line, is of another form.
    """
    reasons, tagged = np.zeros(count, np.uint8), np.full(count, -1, np.int8)
    keys = {what: np.zeros(count, np.uint64) for what in ("id", "text", "folded", "author")}
    photo_counts = np.zeros(count, np.int64)
    ids: list[str] = []
    photos: list[tuple[str, ...]] = []
    times: tuple[str, str] | None = None
    language = languages.detector() if filters.language != languages.ANY else None
    with progress("posts", count, "posts") as advance:
        for row, post in enumerate(posts):
            reasons[row] = _reason(post, filters, language)
            keys["id"][row] = texts.key(post.id)
            keys["text"][row] = texts.key(post.text)
            keys["folded"][row] = texts.key(post.text.casefold())
            keys["author"][row] = texts.key(post.author) if post.author else 0
            photo_counts[row] = len(post.photos)
            if tags:
                tagged[row] = _tag(post, tags)
            kept = reasons[row] == Reason.KEPT
            ids.append(post.id if kept or tagged[row] >= 0 else "")
            photos.append(post.photos if kept else ())
            times = _span(times, post.time)
            if not (row + 1) % STEP:
                advance(STEP)
    reasons[_repeated(keys["id"], np.arange(count))] = Reason.REPEATED_ID
    if not filters.keep_equal_texts:
        kept_rows = np.flatnonzero(reasons == Reason.KEPT)
        reasons[_repeated(keys["folded"], kept_rows)] = Reason.EQUAL_TEXT
    return Candidates(
        reasons, ids, keys["id"], keys["text"], keys["folded"], keys["author"],
        photos, photo_counts, tagged, times,
    )  # fmt: skip


def _reason(post: Post, filters: Filters, language: Callable[[str], str] | None) -> Reason:
    """Why a post is left out, as far as it alone tells."""
    reason = Reason.KEPT
    if not post.photos:
        reason = Reason.NO_PHOTO
    elif language and _is_foreign(post, filters.language, language):
        reason = Reason.LANGUAGE
    elif post.is_repost and not filters.keep_reposts:
        reason = Reason.REPOST
    elif post.is_reply and not filters.keep_replies:
        reason = Reason.REPLY
    elif len(texts.words(post.text)) < filters.min_words:
        reason = Reason.FEW_WORDS
    return reason


def _is_foreign(post: Post, wanted: str, language: Callable[[str], str]) -> bool:
    """Whether a post is of another language, by its table or else by its text."""
    return (post.language or language(post.text)) not in (wanted, languages.UNCERTAIN)


def _tag(post: Post, tags: Mapping[str, int]) -> int:
    """What people say of a post, -1 for nothing."""
    return next((tags[name] for name in (post.id, *post.photos) if name in tags), -1)


def _span(earlier: tuple[str, str] | None, time: str) -> tuple[str, str] | None:
    """Widen a span of times, written as ISO 8601 does, by one more; others are passed over."""
    if not re.match(r"\d{4}-\d\d", time):
        return earlier
    return (min(earlier[0], time), max(earlier[1], time)) if earlier else (time, time)


def _repeated(keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Those of some rows whose key an earlier one of them has."""
    first = np.unique(keys[rows], return_index=True)[1]
    return np.delete(rows, first)
