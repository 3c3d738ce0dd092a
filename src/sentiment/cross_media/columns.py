"""Which columns of a table of posts hold what."""

from dataclasses import dataclass

from sentiment.data.tables import Table

USUAL = {
    "id": ("id", "twid", "tweet_id", "post_id", "id_str", "status_id", "id_tweet", "uri"),
    "text": ("text", "full_text", "tweet", "tweet_text", "content", "body", "caption", "message"),
    "photo": ("photo", "photos", "image", "images", "path", "paths", "file", "files", "filename",
              "media", "picture", "pictures", "image_path", "photo_path"),
    "author": ("author", "author_id", "user", "user_id", "username", "screen_name", "account"),
    "language": ("language", "lang"),
    "time": ("time", "created_at", "date", "timestamp", "datetime", "published_at"),
    "repost": ("repost", "reposts", "is_repost", "retweet", "is_retweet", "retweeted_status",
               "retweeted_status_id", "reblog", "referenced_tweets"),
    "reply": ("reply", "is_reply", "reply_to", "in_reply_to", "in_reply_to_id",
              "in_reply_to_status_id", "in_reply_to_user_id"),
}  # fmt: skip
"""Usual names of each column, lower case, the most certain first."""


@dataclass(frozen=True)
class Columns:
    """Flags that name columns of the posts' table; without one, a column of a usual name counts."""

    id_column: str | None = None
    """The column of the posts' ids."""
    text_column: str | None = None
    """The column of the texts."""
    photo_column: str | None = None
    """The column of the photos, paths in --photos: one, or several as a list or divided by ;."""
    author_column: str | None = None
    """The column of the authors, whose posts stay together in one split."""
    language_column: str | None = None
    """The column of the languages, as codes such as en; without one, the text tells."""
    time_column: str | None = None
    """The column of the times, of which the page tells the first and the last."""
    repost_column: str | None = None
    """The column that tells reposts; without one, a text that begins with RT @ is one."""
    reply_column: str | None = None
    """The column that tells replies; without one, a text that begins with @ is one."""

    def found(self, table: Table) -> dict[str, str]:
        """The table's columns by what they hold, without those that it lacks.

        Raises:
            UserError: there is no column of ids or of texts, or none of a name that was given.
        """
        found: dict[str, str] = {}
        for what, usual in USUAL.items():
            flag, wanted = f"--{what}-column", getattr(self, f"{what}_column")
            if what in ("id", "text") or wanted is not None:
                found[what] = table.column(f"the {what}", flag, usual, wanted)
            elif name := table.usual_column(usual):
                found[what] = name
        return found
