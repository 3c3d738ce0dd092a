"""Which posts and photos are left out, by which flag, and where each default comes from."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from sentiment.base.errors import UserError
from sentiment.cross_media import languages
from sentiment.data.near_duplicates import MAX_DISTANCE

MOST_DISTANCE = 8
"""Beyond it unrelated photos are taken for copies, and the search takes minutes."""

OWN = "own choice; the literature states none"
"""Where a default comes from that no publication states."""

VADICAMO = "Vadicamo et al. 2017"
SERRA = "Serra et al. 2023"


class Reason(IntEnum):
    """Why a photo is left out; the first that holds, in this order, counts."""

    KEPT = 0
    REPEATED_ID = 1
    NO_PHOTO = 2
    LANGUAGE = 3
    REPOST = 4
    REPLY = 5
    FEW_WORDS = 6
    EQUAL_TEXT = 7
    BAD = 8
    TINY = 9
    PLACEHOLDER = 10
    NEAR = 11
    NO_SCORE = 12
    UNSURE = 13
    BALANCE = 14


class Filter(NamedTuple):
    """A filter, in words."""

    reason: Reason
    title: str
    """What it leaves out."""
    flag: str
    """The flag with its value; empty if there is none."""
    source: str
    """Where the default comes from."""


@dataclass(frozen=True)
class Filters:
    """Flags of the filters.

    Raises:
        UserError: a value is out of its range.
    """

    language: str = "en"
    """Keep posts of this language, and those too short to tell; any keeps all. VADER reads
    English."""
    keep_reposts: bool = False
    """Keep reposts."""
    keep_replies: bool = False
    """Keep replies."""
    min_words: int = 6
    """Least words of a text; handles and links are none."""
    keep_equal_texts: bool = False
    """Keep every post of an equal text, not only the first."""
    min_side: int = 64
    """Least pixels of a photo's shorter side."""
    max_copies: int = 10
    """A photo that comes in more near copies than this is a placeholder or an advertisement, and
    none of them is kept; 0 sets no limit."""
    max_distance: int = MAX_DISTANCE
    """Near copies: perceptual hashes that differ in at most this many of their 64 bits."""
    keep_near_photos: bool = False
    """Keep every near copy of a photo, all in one split, not only the first."""

    def __post_init__(self) -> None:
        languages.checked(self.language)
        least = {"min_words": 0, "min_side": 1, "max_copies": 0, "max_distance": 0}
        for name, value in least.items():
            if getattr(self, name) < value:
                flag = name.replace("_", "-")
                raise UserError(f"--{flag} {getattr(self, name)}: expected {value} or more")
        if self.max_distance > MOST_DISTANCE:
            raise UserError(f"--max-distance {self.max_distance}: expected at most {MOST_DISTANCE}")

    def in_words(self, confidence: str, scored: str, balance: bool) -> list[Filter]:
        """The filters that are on, in their order.

        Args:
            confidence: the flag --min-confidence with its value.
            scored: what a post without a score lacks.
            balance: whether the classes are balanced.
        """
        said = [
            Filter(Reason.REPEATED_ID, "id met before", "", "a post counts once"),
            Filter(Reason.NO_PHOTO, "no photo", "", VADICAMO),
            Filter(
                Reason.LANGUAGE, "another language", f"--language {self.language}",
                f"{VADICAMO}; {SERRA}",
            ),
            Filter(Reason.REPOST, "reposts", "--keep-reposts keeps them", f"{VADICAMO}; {SERRA}"),
            Filter(Reason.REPLY, "replies", "--keep-replies keeps them", SERRA),
            Filter(
                Reason.FEW_WORDS, f"fewer than {self.min_words} words",
                f"--min-words {self.min_words}", f"{SERRA}; 5 in {VADICAMO}",
            ),
            Filter(
                Reason.EQUAL_TEXT, "text met before", "--keep-equal-texts keeps them",
                "own choice: equal texts are one piece of evidence",
            ),
            Filter(Reason.BAD, "photo missing or damaged", "", VADICAMO),
            Filter(
                Reason.TINY, f"a side under {self.min_side} pixels",
                f"--min-side {self.min_side}", OWN,
            ),
            Filter(
                Reason.PLACEHOLDER, "one colour, or too many copies",
                f"--max-copies {self.max_copies}", OWN,
            ),
            Filter(
                Reason.NEAR, "photo met before, equal or near", "--keep-near-photos keeps them",
                f"{VADICAMO}; {SERRA}",
            ),
            Filter(Reason.NO_SCORE, f"no score {scored}", "", "a label needs one"),
            Filter(Reason.UNSURE, "the teacher unsure", confidence, SERRA),
            Filter(Reason.BALANCE, "classes made equal", "--balance", VADICAMO),
        ]  # fmt: skip
        off = {
            Reason.LANGUAGE: self.language == languages.ANY,
            Reason.REPOST: self.keep_reposts,
            Reason.REPLY: self.keep_replies,
            Reason.FEW_WORDS: not self.min_words,
            Reason.EQUAL_TEXT: self.keep_equal_texts,
            Reason.NEAR: self.keep_near_photos,
            Reason.NO_SCORE: not scored,
            Reason.BALANCE: not balance,
        }
        return [entry for entry in said if not off.get(entry.reason)]
