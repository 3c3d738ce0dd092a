"""The text of a post: as teachers read it, its words, and which texts count as equal."""

import re

USER, LINK = "@user", "http"
"""What stands for any handle and any link."""


def normalised(text: str) -> str:
    """Turn `@x` into `@user` and a link into `http`, as the authors of TweetEval do.

    The source is the card of the model cardiffnlp/twitter-roberta-base-sentiment-latest
    (Barbieri et al., TweetEval, 2020). Blanks are single ones; what is not UTF-8 becomes `?`.
    """
    whole = text.encode(errors="replace").decode()
    return " ".join(map(_masked, whole.split()))


def words(text: str) -> list[str]:
    """Words of a normalised text without handles, links and RT; a hashtag is a word."""
    said = (token for token in text.split() if token not in (USER, LINK, "RT"))
    return re.findall(r"\w+", " ".join(said))


def key(text: str) -> int:
    """A number of 64 bits that two texts, or ids, share only if they are equal."""
    import xxhash  # not needed for --help

    return xxhash.xxh3_64_intdigest(text.encode())


def _masked(token: str) -> str:
    if token.startswith("@") and len(token) > 1:
        return USER
    return LINK if token.startswith("http") else token
