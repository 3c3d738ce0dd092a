"""TTD: the Twitter Testing Dataset of DeepSent (You et al., 2015), the second test set."""

from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.data.collections import photo_lists
from sentiment.data.collections.collection import Photo, Source, shares_of
from sentiment.data.collections.origin import Origin
from sentiment.data.tables import Table

CLASSES = ("negative", "positive")
"""TTD's classes in the order of its codes 0, 1: its 1 is B-T4SA's 2."""

LEVELS = {5: "five", 4: "four", 3: "three"}
"""By how many annotators agree, the word in the name of their list."""

VOTES = "amt_result.csv"
"""Name of the table of votes. Its columns, in this order: the photo, how many annotators there
were, how many of them said negative, how many positive."""


def read(origin: Origin) -> Source:
    """Read `Agg_AMT_Candidates/`, three lists by agreement, and the table of votes if it is there.

    "Four agree" means at least four: each list holds the stricter one.
    """
    folder = origin.folder
    lists = {level: folder / f"twitter_{word}_agrees.txt" for level, word in LEVELS.items()}
    labels = {
        level: dict(photo_lists.read_coded(file, len(CLASSES))) for level, file in lists.items()
    }
    for strict, loose in ((5, 4), (4, 3)):
        for path, label in labels[strict].items():
            if labels[loose].get(path) != label:
                raise UserError(
                    f'{lists[loose]}: no line "{path} {label}", which {lists[strict].name} has; '
                    f"expected the lists to be nested with equal labels: get them again"
                )
    shares = _shares(folder / VOTES, labels[3])
    photos = [
        Photo(path, label, max(level for level in LEVELS if path in labels[level]),
              shares.get(path, ()))
        for path, label in labels[3].items()
    ]  # fmt: skip
    labels_from = "people, 5 a photo" + (f", their votes in {VOTES}" if shares else "")
    return Source(folder / "Agg_AMT_Candidates", CLASSES, {"test": photos}, labels_from)


def _shares(file: Path, labels: dict[str, int]) -> dict[str, tuple[float, ...]]:
    """Shares of the votes for each listed photo; none if there is no table of votes.

    Raises:
        UserError: a photo has no votes, or its label is not what most said.
    """
    if not file.exists():
        return {}
    table = Table(file)
    if len(table.columns) != 4:
        raise UserError(
            f"{file}:1: expected 4 columns: the photo, how many were asked, how many said "
            f"negative, how many positive; it has {', '.join(table.columns)}"
        )
    photo, _, *sides = table.columns
    shares = {}
    for row in table:
        path, votes = row.text(photo), [row.number(side) for side in sides]
        if path in labels:
            if votes.index(max(votes)) != labels[path]:
                raise UserError(
                    f"{row.where}: most say {CLASSES[1 - labels[path]]} of {path}, which the lists "
                    f"call {CLASSES[labels[path]]}; get both again"
                )
            shares[path] = shares_of(votes)
    if missing := labels.keys() - shares.keys():
        raise UserError(
            f"{file}: no votes for {len(missing):,} listed photos, such as {min(missing)}; get it "
            "again, or take it away"
        )
    return shares
