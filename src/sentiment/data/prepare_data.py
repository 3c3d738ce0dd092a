"""Prepare a photo collection: decode every photo once into a store that all scripts read."""

import hashlib
import itertools
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from sentiment.base import cli, files, journal, project, provenance, sha256sums
from sentiment.base.errors import BadImage, UserError
from sentiment.base.progress import progress
from sentiment.data import dataset, sources
from sentiment.data.decode import SIDE
from sentiment.data.decoding import BLOCK, decode_files, decoded, decoders
from sentiment.data.sources import Photo, Source
from sentiment.data.stored_order import columns, in_stored_order

if TYPE_CHECKING:
    from joblib import Parallel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/prepare_data.py`."""

    kind: tyro.conf.Positional[Literal["t4sa", "ttd", "dogs"]]
    """The collection's form: B-T4SA's lists, DeepSent's folder, or dog breeds by folder."""
    source: Path
    """The folder that holds the lists or the class folders."""
    name: str | None = None
    """Name of the prepared data; without it, the collection's."""
    seed: int = 1
    """Of the stored order, and of splits where the collection has none."""
    max_bad_percent: float = 1.0
    """Skip and list photos that cannot be decoded, but stop when a split has more than this."""
    data_dir: Path = project.DATA_DIR
    """Where the prepared data go, in a folder of their name."""
    workers: int = -1
    """Photos decoded at a time; -1 is one a core. What is written does not depend on it."""
    scheduler: str | None = None
    """Address of a Dask scheduler, HOST:PORT: decode on its workers, which see the photos under
    the same path and, as the scheduler does, have this checkout's src in PYTHONPATH."""
    overwrite: bool = False
    """Replace prepared data of this name, finished or not."""


@cli.command()
def main() -> None:
    """Run `scripts/prepare_data.py`."""
    prepare(cli.parse(Options))


def prepare(options: Options) -> None:
    """Prepare a collection under `options.data_dir`, from where an earlier call was stopped.

    Raises:
        UserError: the source is not of its form, too many photos are bad, the disk is too
            small, other data of this name are there, or another process prepares them.
    """
    name = dataset.checked_name(options.name or options.kind)
    if not options.source.is_dir():
        raise UserError(f"--source {options.source}: no such folder")
    if not 0 <= options.max_bad_percent <= 100:
        raise UserError(f"--max-bad-percent {options.max_bad_percent}: expected 0 to 100")
    if options.workers != -1 and options.workers < 1:
        raise UserError(f"--workers {options.workers}: expected 1 or more, or -1 for every core")
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: expected 0 or more")
    folder, root = options.data_dir / name, options.source.resolve()
    origin = {"kind": options.kind, "source": str(root), "seed": options.seed}
    if root.is_relative_to(folder.resolve()):
        raise UserError(f"--source {root}: lies where {name} would be written; choose a --name")
    if _is_prepared(folder, origin, options):
        return
    source = sources.READERS[options.kind](root, options.seed)
    total = sum(map(len, source.splits.values()))
    needed = total * SIDE * SIDE * 3 - files.size(files.partial(folder))
    log.info("Preparing %s from %s", options.kind, root)
    sizes = ", ".join(f"{split} {len(photos):,}" for split, photos in source.splits.items())
    log.info("  into %s: %s", folder, sizes)
    log.info("  %s", dataset.in_words(source.class_names))
    if source.note:
        log.info("  %s", source.note)
    with files.locked(folder):
        if _is_prepared(folder, origin, options):  # while the lists were read
            return
        free = files.check_room(options.data_dir, needed, "the images")
        log.info("  about %.2f GB on disk, %.1f GB are free", needed / 1e9, free / 1e9)
        _prepare(folder, source, origin, options)


def _is_prepared(folder: Path, origin: dict, options: Options) -> bool:
    """Whether there is nothing to do.

    Raises:
        UserError: something else is there.
    """
    if not folder.exists():
        return False
    if not (folder / dataset.MANIFEST).exists():
        raise UserError(f"{folder}: is there and holds no prepared data; choose another --name")
    if options.overwrite:
        return False
    prepared = dataset.Dataset(options.data_dir, folder.name).manifest
    if not origin.items() <= prepared.items():
        raise UserError(
            f"{folder}: holds {prepared['kind']} from {prepared['source']}, seed "
            f"{prepared['seed']}; choose another --name, or --overwrite it"
        )
    log.info("%s is already prepared from %s; --overwrite does it anew", folder, prepared["source"])
    return True


def _prepare(folder: Path, source: Source, origin: dict, options: Options) -> None:
    """Decode and store all splits, from where an earlier call was stopped."""
    photos = in_stored_order(source, options.seed)
    listed = source.class_names, sorted(itertools.chain(*photos.values()))
    versions = provenance.versions()
    plan = {
        **origin,
        "photos": hashlib.sha256(repr(listed).encode()).hexdigest()[:16],
        "store format": dataset.FORMAT_VERSION,
        **{name: versions[name] for name in ("pillow", "numpy", "bcolz-zipline")},
    }

    def other(difference: str) -> None:
        if not options.overwrite:
            raise UserError(
                f"{files.partial(folder)}: an unfinished preparation with {difference}; finish "
                "it, or --overwrite starts anew"
            )

    started = time.monotonic()
    with (
        decoders(options.workers, options.scheduler) as pool,
        journal.folder(folder, plan, other) as (temporary, done),
    ):
        _take_mended(done, source.root, photos)
        if done.blocks:
            before = sum({block["split"]: block["photos"] for block in done.blocks}.values())
            total = sum(map(len, photos.values()))
            log.info("  goes on after %s of %s photos", f"{before:,}", f"{total:,}")
        splits, sums = {}, {}
        for split, of_split in photos.items():
            splits[split], of_files = _write_split(
                source, split, of_split, temporary / split, options, pool, done
            )
            sums |= of_files
        prints = [split["fingerprint"] for split in splits.values()]
        manifest = {
            "format_version": dataset.FORMAT_VERSION,
            **origin,
            "class_names": source.class_names,
            "note": source.note,
            "image": {"shape": [SIDE, SIDE, 3], "dtype": "uint8", "colour": "RGB"},
            "splits": splits,
            "fingerprint": hashlib.sha256(repr((source.class_names, prints)).encode()).hexdigest(),
            "files_sha256": dataset.files_sha256(sums),
            "created": provenance.now(),
            "seconds": round(done.seconds, 1),
            **provenance.provenance(),
        }
        for name in (dataset.MANIFEST, dataset.COPY):
            files.write_json(temporary / name, manifest)
            sums[name] = sha256sums.of(temporary / name)
        sha256sums.write(temporary, sums)
    log.info("Prepared %s in %.0f s", folder, time.monotonic() - started)


def _take_mended(done: journal.Journal, root: Path, photos: dict[str, list[Photo]]) -> None:
    """Go back to the first block with a photo that could not be decoded then, and can be now.

    A drive may have been away, or a photo may have been mended.
    """
    for number, block in enumerate(done.blocks):
        skipped = [root / photos[block["split"]][row].path for row, _ in block["skipped"]]
        if not all(isinstance(image, BadImage) for image in decode_files(skipped)):
            done.rewind(number)
            return


def _write_split(
    source: Source,
    split: str,
    photos: list[Photo],
    folder: Path,
    options: Options,
    pool: "Parallel",
    done: journal.Journal,
) -> tuple[dict, dict[str, str]]:
    """Decode and store one split; return its part of the manifest and its files' SHA-256."""
    from sentiment.data.arrays import Settled
    from sentiment.data.split import Writer

    blocks = [block for block in done.blocks if block["split"] == split]
    first = blocks[-1]["photos"] if blocks else 0
    skipped = {row: reason for block in blocks for row, reason in block["skipped"]}
    stored = [row for row in range(first) if row not in skipped]
    writer = Writer(
        folder,
        len(photos),
        [Settled(block["checksums"], block["sha256"]) for block in blocks],
        [columns(photos[row]) for row in stored],
    )
    started, before = time.monotonic(), len(stored)
    with progress(split, len(photos), before=first) as advance:
        for start in range(first, len(photos), BLOCK):
            block = photos[start : start + BLOCK]
            for row, image in enumerate(decoded(pool, source.root, block), start):
                advance(1)
                if isinstance(image, BadImage):
                    skipped[row] = str(image)
                    _refuse_many(skipped, source, split, photos, options.max_bad_percent)
                else:
                    writer.append(image, *columns(photos[row]))
                    stored.append(row)
            if done.due or start + BLOCK >= len(photos):
                settled = writer.settle()
                if settled.sha256:
                    until = stored[writer.rows - 1] + 1
                    bad = [[row, reason] for row, reason in skipped.items() if first <= row < until]
                    done.add({"split": split, "photos": until, "skipped": bad, **settled._asdict()})
                    first = until
    if not stored:
        raise UserError(f"{split}: not one photo could be decoded")
    fingerprint, sums = writer.close()
    rate = (len(stored) - before) / (time.monotonic() - started)
    log.info(
        "  %s: %s images, %.0f images/s, %d skipped",
        split, f"{len(stored):,}", rate, len(skipped),
    )  # fmt: skip
    bad = [{"path": photos[row].path, "reason": reason} for row, reason in skipped.items()]
    for one in bad[:3]:
        log.info("    skipped %s: %s", one["path"], one["reason"])
    if len(bad) > 3:
        log.info("    ... all are listed in the manifest")
    by_class = dict.fromkeys(source.class_names, 0)
    for row in stored:
        by_class[source.class_names[photos[row].label]] += 1
    return {
        "images": len(stored),
        "by_class": by_class,
        "bytes": files.size(folder),
        "fingerprint": fingerprint,
        "skipped": bad,
    }, sums


def _refuse_many(
    skipped: dict[int, str], source: Source, split: str, photos: list[Photo], percent: float
) -> None:
    """Raise a UserError when more of a split is bad than may be."""
    if len(skipped) > len(photos) * percent / 100:
        row, reason = next(iter(skipped.items()))
        raise UserError(
            f"{split}: {len(skipped)} of {len(photos)} photos are bad, over the {percent:g} % "
            f"allowed; the first is {source.root / photos[row].path}: {reason}; mend the source, "
            "or allow more with --max-bad-percent"
        )
