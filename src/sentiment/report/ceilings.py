"""The ceiling of Table 2: what a perfect copy of another reader of the same posts would reach."""

from dataclasses import dataclass

from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.report import published
from sentiment.report.published_data import Data
from sentiment.runs import ceiling_file
from sentiment.runs.accuracy import Accuracy

SPLIT = "test"


@dataclass(frozen=True)
class Known:
    """A ceiling that is known."""

    reader: str
    agreed: Accuracy
    """On how many images the reader says what the label says."""
    images: str
    """Which images these are."""

    @property
    def label(self) -> str:
        """Its name, short."""
        return f"a perfect copy of {self.reader}"

    def __str__(self) -> str:
        low, high = self.agreed.interval
        return (
            f"{self.label[0].upper()}{self.label[1:]} would reach {self.agreed.value:.4f} (95 % "
            f"interval {low:.4f} to {high:.4f}, n = {self.agreed.n:,}, {self.images}); it "
            "bounds networks that learn from that reader"
        )


def known(data: Data, folders: Folders) -> Known | None:
    """The ceiling of a data set's test split: measured by `label_noise.py`, or else published.

    Of several readers it is the one that says most often what the list says; one that always does
    is where the list comes from, and sets none.

    Raises:
        UserError: the file of what was measured is damaged, or of other data.
    """
    measured = [
        Known(ceiling.reader, ceiling.splits[SPLIT], "the test split")
        for ceiling in ceiling_file.read(folders, data.name, _fingerprint(data, folders))
        if SPLIT in ceiling.splits and not ceiling.is_the_list
    ]
    if measured:
        return max(measured, key=lambda ceiling: ceiling.agreed.correct)
    if data.published and not data.difference:
        return Known(published.T4SA_READER, published.T4SA_CEILING, "all of B-T4SA")
    return None


def _fingerprint(data: Data, folders: Folders) -> str | None:
    try:
        return Dataset(folders.data_dir, data.name).fingerprint
    except UserError:  # not on this machine
        return None
