"""The answers that a person asked for: by label, the surest first, and only the surest."""

import heapq
import sys
from collections import Counter
from collections.abc import Container, Iterable, Sequence

from sentiment.inference.answer_table import Row


class Selection:
    """Answers to some photos, by label.

    Args:
        rows: the table's rows; those of other photos are left out.
        photos: the photos.
        class_names: the model's classes.
        top: so many photos of each label, the surest, or None for all.
        min_probability: least probability of a photo's label.
    """

    def __init__(
        self, rows: Iterable[Row], photos: Container[str], class_names: Sequence[str],
        top: int | None, min_probability: float,
    ):  # fmt: skip
        self.counts: Counter[str] = Counter()
        """How many photos have each label, selected or not."""
        self.problems: list[Row] = []
        """Photos that could not be read."""
        found: dict[str, list[Row]] = {name: [] for name in class_names}
        for row in rows:
            if row.path not in photos:
                continue
            if not row.label:
                self.problems.append(row)
                continue
            self.counts[row.label] += 1
            if row.sureness >= min_probability:
                found[row.label].append(row._replace(label=sys.intern(row.label)))
        self.by_label = {
            name: heapq.nlargest(top or len(of_label), of_label, key=lambda row: row.sureness)
            for name, of_label in found.items()
            if of_label
        }
        """The selected photos of each label, the surest first."""

    @property
    def rows(self) -> list[Row]:
        """All selected photos."""
        return [row for of_label in self.by_label.values() for row in of_label]
