"""How sure a teacher must be of a label for the post to be kept."""

from dataclasses import dataclass

import numpy as np

from sentiment.base.errors import UserError
from sentiment.cross_media.teacher import HEADER

FLAG = "--min-confidence"


@dataclass(frozen=True)
class Confidence:
    """Least probability of a label, by its class in the order of HEADER."""

    least: tuple[float, float, float]

    @classmethod
    def of(cls, words: tuple[str, ...]) -> "Confidence":
        """Read the flag's words: one number, or `NEG=0.7 NEU=0.9 POS=0.9`.

        Raises:
            UserError: they are of another form.
        """
        said = dict(word.upper().partition("=")[::2] for word in words)
        if len(words) == 1 and "=" not in words[0]:
            said = dict.fromkeys(HEADER, words[0])
        try:
            values = [float(said[name]) for name in HEADER]
            right = set(said) == set(HEADER) and all(0 <= value < 1 for value in values)
        except (KeyError, ValueError):
            right = False
        if not right:
            raise UserError(
                f"{FLAG} {' '.join(words)}: expected a number from 0 to 1, such as 0.7, or one a "
                "class, such as NEG=0.7 NEU=0.9 POS=0.9"
            )
        return cls((values[0], values[1], values[2]))

    @property
    def in_words(self) -> str:
        """The flag's value."""
        if len(set(self.least)) == 1:
            return f"{self.least[0]:g}"
        return " ".join(f"{name}={value:g}" for name, value in zip(HEADER, self.least, strict=True))

    def is_sure(self, scores: np.ndarray) -> np.ndarray:
        """Whether the label of each row of scores, (n, 3), is sure enough: bool, (n,)."""
        labels, probabilities = labels_of(scores)
        return probabilities >= np.array(self.least)[labels]


def labels_of(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels of scores, (n, 3), and their probabilities: int64 and float64, (n,) each."""
    labels = scores.argmax(axis=1)
    return labels, scores[np.arange(len(scores)), labels]
