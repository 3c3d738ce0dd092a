"""The language of a post, where its table does not tell it."""

from collections.abc import Callable

from sentiment.base.errors import UserError
from sentiment.cross_media.texts import LINK, USER

ANY = "any"
"""Value of --language that keeps every language."""

KNOWN = (
    "am", "ar", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi",
    "fr", "gu", "he", "hi", "ht", "hu", "hy", "id", "is", "it", "ja", "ka", "km", "kn", "ko", "lo",
    "lt", "lv", "ml", "mr", "my", "ne", "nl", "no", "pa", "pl", "ps", "pt", "ro", "ru", "si", "sk",
    "sl", "sr", "sv", "ta", "te", "th", "tl", "tr", "ug", "uk", "ur", "vi", "zh",
)  # fmt: skip
"""Languages that a text may be in: those that Twitter's own field `lang` tells."""

LEAST_PROBABILITY = 0.5
"""Below it a text, such as one of three names, is of no certain language."""

UNCERTAIN = "und"
"""Code of no certain language, as Twitter writes it."""


def detector() -> Callable[[str], str]:
    """Make a function that tells the language of a normalised text, as a code of two letters.

    It returns UNCERTAIN for a text without words, or of too few. The model is py3langid's.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(
        MODEL_FILE, norm_probs=True, min_confidence=LEAST_PROBABILITY
    )
    identifier.set_languages(KNOWN)

    def language(text: str) -> str:
        said = (token.lstrip("#") for token in text.split() if token not in (USER, LINK, "RT"))
        return identifier.classify(" ".join(said))[0]

    return language


def checked(code: str) -> str:
    """Return a value of --language.

    Raises:
        UserError: it is no language that texts are known by.
    """
    if code != ANY and code not in KNOWN:
        raise UserError(f"--language {code}: expected {ANY}, or one of {', '.join(KNOWN)}")
    return code
