"""Make a training set out of posts: their text labels their photos, as a teacher reads it."""

from dataclasses import dataclass, field
from pathlib import Path

from sentiment.base import cli, files
from sentiment.base.errors import UserError
from sentiment.cross_media.columns import Columns
from sentiment.cross_media.filters import Filters
from sentiment.data.collections.origin import Reading


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/cross_media.py`."""

    posts: Path
    """Table of posts: CSV, TSV, JSON lines or Parquet with an id, a text and photos in each row;
    or raw_tweets_text.csv of T4SA, whose photos are data/NNNNN/ID-N.jpg beside it."""
    into: Path
    """Folder to write: a new or empty one, or one that this command has written before."""
    photos: Path | None = None
    """Folder that the photos' paths are relative to; without it, the folder of --posts."""
    teacher: str | None = None
    """Who reads the texts: vader, or the name or folder of a Hugging Face text classifier; without
    it, --scores, or else vader."""
    scores: Path | None = None
    """Table TWID NEG NEU POS of scores that somebody's teacher wrote; beside --teacher, the second
    teacher that it is compared with."""
    min_confidence: tuple[str, ...] = ("0.7",)
    """Least probability of a label, or one a class, such as NEG=0.7 NEU=0.9 POS=0.9."""
    balance: bool = False
    """Keep as many photos of each class as the rarest has, drawn by lot."""
    split: str = "80/10/10"
    """Percents of train, validation and test photos; B-T4SA's are 78/11/11."""
    seed: int = 1
    """Seed of all that is drawn by lot."""
    tags: tuple[Path, ...] = ()
    """What people say of the posts: lists or tables of a photo or an id and its label. They are
    compared with the teacher, and change nothing in the set."""
    filters: Filters = field(default_factory=Filters)
    columns: Columns = field(default_factory=Columns)


@cli.command()
def main() -> None:
    """Run `scripts/cross_media.py`."""
    make(cli.parse(Options))


def make(options: Options) -> None:
    """Write a set in B-T4SA's form, with its page, from where an earlier call was stopped.

    Raises:
        UserError: a flag is wrong, a table is not of its form, the folder holds something else,
            or what the filters leave is too little.
    """
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: expected 0 or more")
    percents = tuple(Reading(split=options.split).percents.values())
    if len(percents) == 1:
        raise UserError(f"--split {options.split}: expected training and validation photos too")
    folder = options.into.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with files.locked(folder):
        # NumPy, SciPy and pandas, which --help does without
        from sentiment.cross_media import labelled, made_set, written_set

        written_set.claim(folder)
        found = labelled.label(options, folder / written_set.WORK)
        made_set.write(found, options, percents, folder)
