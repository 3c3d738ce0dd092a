"""The ceilings that other readers of the same posts set: how often each says what the list says."""

from dataclasses import dataclass
from pathlib import Path

from sentiment.base import files
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.runs.accuracy import Accuracy

FILE = "ceiling.json"


@dataclass(frozen=True)
class Ceiling:
    """What a perfect copy of a reader would reach."""

    reader: str
    splits: dict[str, Accuracy]
    """On how many images of each split the reader says what the list says."""

    @property
    def is_the_list(self) -> bool:
        """Whether the reader always says what the list says: the list comes from it."""
        return all(agreed.correct == agreed.n for agreed in self.splits.values())


def folder(folders: Folders, dataset: str) -> Path:
    """The folder of all that is known of the noise of a data set's labels."""
    return folders.logs_dir / dataset / "label_noise"


def write(place: Path, fingerprint: str, ceilings: list[Ceiling]) -> None:
    """Write the ceilings of prepared data with this fingerprint into their folder."""
    files.write_json(
        place / FILE,
        {
            "data_fingerprint": fingerprint,
            "readers": {
                c.reader: {name: [a.n, a.correct] for name, a in c.splits.items()} for c in ceilings
            },
        },
    )


def read(folders: Folders, dataset: str, fingerprint: str | None) -> list[Ceiling]:
    """The ceilings of a data set; none if they have not been measured.

    Args:
        fingerprint: the prepared data's, if they are there.

    Raises:
        UserError: the file is damaged, or of other data.
    """
    file = folder(folders, dataset) / FILE
    if not file.exists():
        return []
    content = files.read_json(file)
    again = f"measure again with python scripts/label_noise.py --dataset {dataset} --folds 0"
    if fingerprint not in (None, content.get("data_fingerprint")):
        raise UserError(f"{file}: of other data than are prepared now; {again}")
    try:
        return [
            Ceiling(str(reader), {str(name): _agreed(*counts) for name, counts in splits.items()})
            for reader, splits in content["readers"].items()
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{file}: damaged ({error!r}); {again}") from None


def _agreed(n: int, correct: int) -> Accuracy:
    if type(n) is not int or type(correct) is not int or not 0 <= correct <= n or not n:
        raise ValueError(f"{correct} of {n}")
    return Accuracy(n, correct)
