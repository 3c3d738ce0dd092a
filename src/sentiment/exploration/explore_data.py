"""Explore a photo collection: sizes and formats of its photos, and which stand in it twice."""

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from sentiment.base import cli, files, project, provenance
from sentiment.base.errors import UserError
from sentiment.data import dataset, near_duplicates
from sentiment.data.collections import readers
from sentiment.data.collections.collection import Source
from sentiment.data.collections.origin import Origin, Reading
from sentiment.data.dataset import Kind

if TYPE_CHECKING:
    import pandas as pd

    from sentiment.exploration.photo_summary import Summary

log = logging.getLogger(__name__)

MOST_DISTANCE = 8
"""Beyond it unrelated photos are taken for twins, and the search takes minutes."""

BAD_SHOWN = 3
"""Bad photos that are named on the screen; a table lists all."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/explore_data.py`."""

    kind: tyro.conf.Positional[Kind | None] = None
    """The form of --source, as for prepare_data.py; without it, told from what lies there."""
    source: Path | None = None
    """The folder that holds the lists, the table or the class folders, and the photos."""
    dataset: str | None = None
    """Prepared data, whose photos are explored where they were prepared from."""
    name: str | None = None
    """Name of the folder under logs/; without it, --dataset or the collection's."""
    max_distance: int = near_duplicates.MAX_DISTANCE
    """Near duplicates: perceptual hashes that differ in at most this many of their 64 bits."""
    seed: int = 1
    """Seed of the contact sheets' sample, and of splits where the collection has none."""
    data_dir: Path = project.DATA_DIR
    """Folder of prepared data."""
    logs_dir: Path = project.LOGS_DIR
    """Folder for the exploration, which goes into the folder NAME/exploration in it."""
    reading: Reading = field(default_factory=Reading)


@cli.command()
def main() -> None:
    """Run `scripts/explore_data.py`."""
    explore(cli.parse(Options))


def explore(options: Options) -> None:
    """Read a collection's photos, each once, and write their table, figures and pictures.

    Photos that an earlier call has read, even if it was killed, are not read again unless
    their size or time has changed.

    Raises:
        UserError: a flag is wrong, the source is not there or not of its form.
    """
    if not 0 <= options.max_distance <= MOST_DISTANCE:
        raise UserError(f"--max-distance {options.max_distance}: expected 0 to {MOST_DISTANCE}")
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: expected 0 or more")
    origin, source = _collection(options)
    name = dataset.checked_name(options.name or options.dataset or origin.kind)
    folder = options.logs_dir / name / "exploration"
    _announce(origin, source, folder)
    from sentiment.data import photo_table  # pandas, which --help does without

    with photo_table.names_of_any_bytes():
        _explore(options, origin, source, folder)


def _explore(options: Options, origin: Origin, source: Source, folder: Path) -> None:
    """Read the photos of a collection, and write what `explore` does into a folder."""
    # SciPy and Matplotlib, which --help does without
    from sentiment.data import photo_table
    from sentiment.exploration import photo_summary, summary_lines

    status = {"status": "running", **origin.manifest_entries}
    status |= {"start": provenance.now(), **provenance.provenance()}
    _claim(folder / "summary.json", status)
    photos = photo_table.complete(source, folder / "photos.csv")
    summary = photo_summary.summarise(photos, options.max_distance)
    _write_tables(summary, folder)
    _draw_histograms(photos, folder.parent.name, folder)
    _draw_sheets(photos, source, options.seed, folder / "contact_sheets")
    status |= {"status": "finished", "end": provenance.now()}
    files.write_json(folder / "summary.json", summary.figures | status)
    for line in summary_lines.lines(summary.figures, origin.kind):
        log.info(line)
    for bad in summary.bad[:BAD_SHOWN].itertuples():
        log.info("    %s: %s", bad.path, bad.problem)
    if len(summary.bad) > BAD_SHOWN:
        log.info("    ... all are listed in bad_photos.csv")


def _collection(options: Options) -> tuple[Origin, Source]:
    """The collection that the flags mean, read as far as its lists.

    Raises:
        UserError: they mean none, or it is not there.
    """
    if options.source is not None and options.dataset is None:
        if not options.source.is_dir():
            raise UserError(f"--source {options.source}: no such folder")
        root = options.source.resolve()
        kind = options.kind or readers.kind_of(root)
        origin = Origin(kind, root, options.seed, options.reading.in_folder(root))
        return origin, readers.read(origin)
    if options.dataset is None or options.source is not None:
        raise UserError("expected --source DIR, or --dataset NAME for what NAME was prepared from")
    prepared = dataset.Dataset(options.data_dir, options.dataset)
    origin = Origin.of(prepared.manifest)
    if options.kind not in (None, origin.kind):
        raise UserError(f"{prepared.folder}: holds {origin.kind}, not {options.kind}; leave it out")
    if not origin.folder.is_dir():
        raise UserError(
            f"{origin.folder}: {prepared.folder} was prepared from there, and it is gone; say "
            f"where its photos are now with {origin.kind} --source DIR --name {prepared.name}"
        )
    return origin, readers.read_again(prepared.manifest)


def _announce(origin: Origin, source: Source, folder: Path) -> None:
    """Say what will be explored, and what will be written."""
    log.info("Exploring %s in %s", origin.kind, origin.folder)
    sizes = ", ".join(f"{split} {len(photos):,}" for split, photos in source.splits.items())
    log.info("  photos listed: %s; %s", sizes, dataset.in_words(source.class_names))
    for note in source.notes_in_words():
        log.info("  %s", note)
    log.info("  writes %s/", folder)
    log.info("    photos.csv, counts.csv, duplicates.csv, bad_photos.csv, summary.json,")
    log.info("    histograms.png and .svg, contact_sheets/CLASS.png")


def _claim(file: Path, status: dict) -> None:
    """Say in the summary that its collection is being explored, unless it is another one's."""
    if file.exists():
        before = json.loads(file.read_bytes())
        if (before["kind"], before["source"]) != (status["kind"], status["source"]):
            raise UserError(
                f"{file.parent}: holds {before['kind']} from {before['source']}; choose another "
                "--name, or, if the photos have moved, remove summary.json there"
            )
    files.write_json(file, status)


def _write_tables(summary: "Summary", folder: Path) -> None:
    from sentiment.data import photo_table

    photo_table.write(summary.counts, folder / "counts.csv")
    photo_table.write(summary.duplicates, folder / "duplicates.csv")
    photo_table.write(summary.bad, folder / "bad_photos.csv")


def _draw_histograms(photos: "pd.DataFrame", name: str, folder: Path) -> None:
    from sentiment.exploration import histograms, photo_summary

    values = photo_summary.measures(photos)
    histograms.draw(
        {title: values[measure] for measure, title in photo_summary.TITLES.items()},
        f"{name}: {len(photos):,} photos",
        [folder / "histograms.png", folder / "histograms.svg"],
    )


def _draw_sheets(photos: "pd.DataFrame", source: Source, seed: int, folder: Path) -> None:
    """Draw a sample of each class, whatever its split."""
    from sentiment.data import fonts
    from sentiment.exploration import contact_sheet

    fonts.say_what_lacks(source.class_names)
    with files.whole_folder(folder) as temporary:
        for label, name in enumerate(source.class_names):
            of_class = photos[(photos["class"] == name) & photos["problem"].isna()]
            order = of_class["path"].sample(frac=1, random_state=seed)
            heading = f"of {len(of_class):,} photos: {name}"
            file = temporary / contact_sheet.file_name(label, name)
            contact_sheet.draw((source.root / path for path in order), heading, file)
