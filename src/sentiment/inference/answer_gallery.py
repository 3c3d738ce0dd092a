"""A page that shows photos by label, the surest first; it needs no network and no other file."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from joblib import Parallel, delayed

from sentiment.base import files, templates
from sentiment.base.errors import BadImage
from sentiment.data import data_uri, decode
from sentiment.inference.answer_selection import Selection
from sentiment.inference.answer_table import Row

TEMPLATE = Path(__file__).with_name("answer_gallery.html.jinja")

MOST = 2000
"""Photos on a page: with more, browsers become slow; thumbnails take some 6 KB each."""

MOST_PROBLEMS = 200
"""Photos on a page that could not be read."""

SIDE, QUALITY = 160, 70
"""Most pixels of a thumbnail's side, and its JPEG quality."""


@dataclass(frozen=True)
class Shown:
    """A photo on the page."""

    row: Row
    thumbnail: str
    """A data URI; empty where the photo cannot be read any more."""

    @property
    def path(self) -> str:
        """The photo's path, with a mark for bytes that are no text."""
        return readable(self.row.path)

    @property
    def name(self) -> str:
        """The photo's name without its folder."""
        return Path(self.path).name


@dataclass(frozen=True)
class Section:
    """The photos of a label."""

    label: str
    of: int
    """How many photos have the label."""
    shown: int
    photos: Iterator[Shown]


def readable(path: str) -> str:
    """A path as text; bytes that are no UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def write(file: Path, model: str, answers: Selection, advance: Callable[[int], None]) -> None:
    """Write the page, whole or not at all.

    Args:
        model: the model in words.
        advance: called with 1 after each thumbnail.
    """
    most = shares({name: len(rows) for name, rows in answers.by_label.items()})
    sections = [
        Section(name, answers.counts[name], min(most, len(rows)), _shown(rows[:most], advance))
        for name, rows in answers.by_label.items()
    ]
    stream = templates.template(TEMPLATE).stream(
        model=model,
        photos=answers.counts.total(),
        shown=sum(section.shown for section in sections),
        sections=sections,
        problems=[
            row._replace(path=readable(row.path)) for row in answers.problems[:MOST_PROBLEMS]
        ],
        unread=len(answers.problems),
    )
    with files.whole_file(file) as temporary, temporary.open("w", encoding="utf-8") as page:
        page.writelines(stream)


def count(answers: Selection) -> int:
    """How many photos the page shows."""
    sizes = {name: len(rows) for name, rows in answers.by_label.items()}
    return sum(min(size, shares(sizes)) for size in sizes.values())


def shares(sizes: dict[str, int]) -> int:
    """How many photos of each label are shown, at most, so that all together are at most MOST.

    What a label with few photos leaves goes to the others; each label has one.
    """
    left = MOST
    for number, size in enumerate(sorted(sizes.values())):
        fair = left // (len(sizes) - number)
        if size > fair:
            return max(fair, 1)
        left -= size
    return MOST


def _shown(rows: Sequence[Row], advance: Callable[[int], None]) -> Iterator[Shown]:
    """Photos with their thumbnails, made when the page comes to them, on all cores."""
    pool = Parallel(-1, return_as="generator", prefer="threads")
    for row, thumbnail in zip(
        rows, pool(delayed(_thumbnail)(row.path) for row in rows), strict=True
    ):
        advance(1)
        yield Shown(row, thumbnail)


def _thumbnail(path: str) -> str:
    try:
        image = decode.unpack(decode.read(Path(path)))
    except (BadImage, OSError):  # it has gone since it was predicted
        return ""
    image.thumbnail((SIDE, SIDE))
    return data_uri.jpeg(image, QUALITY)
