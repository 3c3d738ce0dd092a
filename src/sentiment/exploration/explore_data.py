"""Explore a photo collection: what its photos are, and which stand in it twice."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from sentiment.base import cli, files, project, provenance
from sentiment.base.errors import UserError
from sentiment.data import dataset, sources
from sentiment.data.sources import Source

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

MOST_DISTANCE = 8
"""Beyond it unrelated photos are taken for twins, and the search takes minutes."""

WIDEST_TABLE = 12
"""Classes up to which their counts are printed: more do not fit on a screen."""

TITLES = {"width": "width, px", "height": "height, px", "kilobytes": "file, KB"}

REPORTED = {
    "t4sa": {
        "photos": "470,586", "width": "945 ± 505", "height": "916 ± 556", "kilobytes": "142 ± 156",
        "greyscale": "757", "small": "72", "large": "about 934",
    },
}  # fmt: skip
"""By collection, what the replication report of 2018 found, to be printed beside ours."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/explore_data.py`."""

    kind: tyro.conf.Positional[Literal["t4sa", "ttd", "dogs"] | None] = None
    """The form of --source, as for prepare_data.py; without it, told from what lies there."""
    source: Path | None = None
    """The folder that holds the lists or the class folders."""
    dataset: str | None = None
    """Prepared data, whose photos are explored where they were prepared from."""
    name: str | None = None
    """Name of the folder under logs/; without it, --dataset or the collection's."""
    max_distance: int = 4
    """Near duplicates: perceptual hashes that differ in at most this many of their 64 bits."""
    seed: int = 1
    """Of the contact sheets' sample, and of splits where the collection has none."""
    data_dir: Path = project.DATA_DIR
    """Where prepared data lie."""
    logs_dir: Path = project.LOGS_DIR
    """Where the exploration goes, in the folder NAME/exploration."""


@cli.command()
def main() -> None:
    """Run `scripts/explore_data.py`."""
    explore(cli.parse(Options))


def explore(options: Options) -> None:
    """Read a collection's photos, each once, and write what they are.

    Photos that an earlier call has read, even if it was killed, are not read again unless
    their size or time has changed.

    Raises:
        UserError: a flag is wrong, the source is not there or not of its form.
    """
    if not 0 <= options.max_distance <= MOST_DISTANCE:
        raise UserError(f"--max-distance {options.max_distance}: expected 0 to {MOST_DISTANCE}")
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: expected 0 or more")
    kind, root, seed = _collection(options)
    name = dataset.checked_name(options.name or options.dataset or kind)
    source = sources.READERS[kind](root, seed)
    folder = options.logs_dir / name / "exploration"
    log.info("Exploring %s in %s", kind, root)
    sizes = ", ".join(f"{split} {len(photos):,}" for split, photos in source.splits.items())
    log.info("  photos listed: %s; %s", sizes, dataset.in_words(source.class_names))
    if source.note:
        log.info("  %s", source.note)
    log.info("  writes %s/", folder)
    log.info("    photos.csv, counts.csv, duplicates.csv, bad_photos.csv, summary.json,")
    log.info("    histograms.png and .svg, contact_sheets/CLASS.png")

    from sentiment.exploration import histograms, photo_summary, photo_table

    status = {"status": "running", "kind": kind, "source": str(root), "seed": seed}
    status |= {"start": provenance.now(), **provenance.provenance()}
    _claim(folder / "summary.json", status)
    photos = photo_table.complete(source, folder / "photos.csv")
    summary = photo_summary.summarise(photos, options.max_distance)
    photo_table.write(summary.counts, folder / "counts.csv")
    photo_table.write(summary.duplicates, folder / "duplicates.csv")
    photo_table.write(summary.bad, folder / "bad_photos.csv")
    values = photo_summary.measures(photos)
    histograms.draw(
        {title: values[measure] for measure, title in TITLES.items()},
        f"{name}: {len(photos):,} photos",
        [folder / "histograms.png", folder / "histograms.svg"],
    )
    _draw_sheets(photos, source, options.seed, folder / "contact_sheets")
    status |= {"status": "finished", "end": provenance.now()}
    files.write_json(folder / "summary.json", summary.figures | status)
    for line in _in_words(summary.figures, kind):
        log.info(line)
    for bad in summary.bad[:3].itertuples():
        log.info("    %s: %s", bad.path, bad.problem)
    if len(summary.bad) > 3:
        log.info("    ... all are listed in bad_photos.csv")


def _claim(file: Path, status: dict) -> None:
    """Say in the summary that its collection is being explored, unless it is another one's."""
    if file.exists():
        theirs = json.loads(file.read_bytes())
        if (theirs["kind"], theirs["source"]) != (status["kind"], status["source"]):
            raise UserError(
                f"{file.parent}: holds {theirs['kind']} from {theirs['source']}; choose another "
                "--name, or, if the photos have moved, remove summary.json there"
            )
    files.write_json(file, status)


def _collection(options: Options) -> tuple[str, Path, int]:
    """Its kind, folder and the seed of its splits."""
    if (options.source is None) == (options.dataset is None):
        raise UserError("expected --source DIR, or --dataset NAME for what NAME was prepared from")
    if options.source is not None:
        if not options.source.is_dir():
            raise UserError(f"--source {options.source}: no such folder")
        root = options.source.resolve()
        return options.kind or sources.kind_of(root), root, options.seed
    prepared = dataset.Dataset(options.data_dir, options.dataset)
    kind, root, seed = (prepared.manifest[key] for key in ("kind", "source", "seed"))
    if options.kind not in (None, kind):
        raise UserError(f"{prepared.folder}: holds {kind}, not {options.kind}; leave it out")
    if not Path(root).is_dir():
        raise UserError(
            f"{root}: {prepared.folder} was prepared from there, and it is gone; say where its "
            f"photos are now with {kind} --source DIR --name {prepared.name}"
        )
    return kind, Path(root), seed


def _draw_sheets(photos: "pd.DataFrame", source: Source, seed: int, folder: Path) -> None:
    """Draw a sample of each class, whatever its split."""
    from sentiment.exploration import contact_sheet

    with files.whole_folder(folder) as temporary:
        for label, name in enumerate(source.class_names):
            of_class = photos[(photos["class"] == name) & photos["problem"].isna()]
            order = of_class["path"].sample(frac=1, random_state=seed)
            heading = f"of {len(of_class):,} photos: {name}"
            file = temporary / f"{label}_{re.sub('[^A-Za-z0-9._-]', '_', name)}.png"
            contact_sheet.draw((source.root / path for path in order), heading, file)


def _in_words(figures: dict, kind: str) -> Iterator[str]:
    """The figures on a screen, a line each."""
    theirs = REPORTED.get(kind, {})

    def beside(name: str) -> str:
        return f" [{theirs[name]}]" if name in theirs else ""

    if theirs:
        yield "  [In brackets what the replication report found in the whole of B-T4SA]"
    yield from _counts(figures["counts"], beside("photos"))
    yield f"  {'':11}{'mean ± sd':>14}{'median':>8}{'least':>8}{'most':>8}{'skewness':>10}"
    for name, title in TITLES.items():
        m = figures[name]
        if m["n"]:
            spread = f"{m['mean']:,.0f} ± {m['sd']:,.0f}"
            cells = "".join(f"{m[key]:>8,.0f}" for key in ("median", "min", "max"))
            yield f"  {title:11}{spread:>14}{cells}{m['skewness']:>10.1f}{beside(name)}"
    yield (
        f"  under 1 KB: {figures['under_1_kb']:,}{beside('small')}, over 1,024 KB: "
        f"{figures['over_1024_kb']:,}{beside('large')}; a KB is 1,024 bytes"
    )
    for what in ("formats", "modes"):
        tally = ", ".join(f"{name} {count:,}" for name, count in figures[what].items())
        yield f"  {what}: {tally}"
    yield (
        f"  greyscale by their mode: {figures['greyscale_by_mode']:,}{beside('greyscale')}; of the "
        f"others, with equal channels: {figures['colour_mode_but_equal_channels']:,}"
    )
    exact, near = figures["exact_duplicates"], figures["near_duplicates"]
    twins = {"equal files": exact, f"hashes within {near['max_distance']} of 64 bits": near}
    yield f"  {'duplicates':28}{'photos':>12}{'groups':>12}{'twin of another class':>24}"
    for what, found in twins.items():
        yield (
            f"  {what:28}{found['photos']:>12,}{found['groups']:>12,}{found['contradicted']:>24,}"
        )
    splits = list(figures["counts"])
    yield f"  {'with such a twin in':28}{''.join(f'{split:>12}' for split in splits)}"
    for split, others in near["photos_with_twin_in"].items():
        total = sum(figures["counts"][split].values())
        cells = "".join(f"{others[other]:>12,}" for other in splits)
        yield f"  {f'of {total:,} {split}':28}{cells}"
    yield f"  cannot be decoded: {figures['bad']:,}"


def _counts(by_split: dict[str, dict[str, int]], reported: str) -> Iterator[str]:
    """Photos of each class and split; of many classes, the fewest and the most."""
    rows = {
        name: [of_split[name] for of_split in by_split.values()]
        for name in next(iter(by_split.values()))
    }
    totals = [sum(of_split.values()) for of_split in by_split.values()]
    if len(rows) > WIDEST_TABLE:
        rows = {
            f"fewest in a class of {len(rows)}": list(map(min, zip(*rows.values(), strict=True))),
            "most in a class": list(map(max, zip(*rows.values(), strict=True))),
        }
    width = max(map(len, [*rows, "photos"]))
    yield f"  {'photos':{width}}{''.join(f'{split:>12}' for split in by_split)}{'all':>12}"
    for name, counts in rows.items():
        cells = "".join(f"{count:>12,}" for count in counts)
        yield f"  {name:{width}}{cells}{sum(counts):>12,}"
    cells = "".join(f"{count:>12,}" for count in totals)
    yield f"  {'all':{width}}{cells}{sum(totals):>12,}{reported}"
