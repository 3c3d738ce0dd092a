"""Prepare a photo collection: decode every photo once into a store that all scripts read."""

import contextlib
import hashlib
import importlib
import itertools
import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import tyro

from sentiment import cli, dataset, files, journal, project, provenance, sha256sums, sources
from sentiment.decode import SIDE, decode_file
from sentiment.errors import BadImage, UserError
from sentiment.progress import progress
from sentiment.sources import Photo, Source

if TYPE_CHECKING:
    from joblib import Parallel

log = logging.getLogger(__name__)

TASK, BLOCK = 8, 1024
"""Photos a worker takes at a time, and photos under way: 154 MB of pixels at most wait to be
written. Between blocks what has been done may be noted."""

MIXED = ("train", "validation")
"""Splits stored in random order, so that no chunk holds one class alone; test keeps its list's."""


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
        free = shutil.disk_usage(options.data_dir).free
        log.info("  about %.2f GB on disk, %.1f GB are free", needed / 1e9, free / 1e9)
        if free < needed:
            raise UserError(
                f"{options.data_dir}: {free / 1e9:.1f} GB free, {needed / 1e9:.1f} needed"
            )
        _prepare(folder, source, origin, options)


def in_stored_order(source: Source, seed: int) -> dict[str, list[Photo]]:
    """Every split's photos as they are stored, those that cannot be decoded included."""
    splits = {}
    for split, photos in source.splits.items():
        order = range(len(photos))
        if split in MIXED:
            order = np.random.default_rng(seed).permutation(len(photos))
        splits[split] = [photos[row] for row in order]
    return splits


def photos_stored(manifest: dict, in_order: dict[str, list[Photo]]) -> dict[str, list[Photo]]:
    """Those of a source's photos, in stored order, that its manifest does not list as skipped."""
    skipped = {
        split: {bad["path"] for bad in of["skipped"]} for split, of in manifest["splits"].items()
    }
    return {
        split: [photo for photo in photos if photo.path not in skipped.get(split, ())]
        for split, photos in in_order.items()
    }


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
    with _workers(options) as pool, journal.folder(folder, plan, other) as (temporary, done):
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
        if not all(isinstance(image, BadImage) for image in _decode(skipped)):
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
    from sentiment.split import Writer
    from sentiment.store import Settled

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


def columns(photo: Photo) -> tuple[int, str, int]:
    """What is stored of a photo besides its pixels."""
    return photo.label, photo.path, photo.agreement


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


@contextlib.contextmanager
def _workers(options: Options) -> Iterator["Parallel"]:
    """What decodes: threads of this process, or a Dask cluster's workers."""
    from joblib import Parallel, parallel_config

    if not options.scheduler:
        # Pillow lets go of Python's lock while it decodes, so threads do, and share memory.
        with Parallel(options.workers, return_as="generator", prefer="threads") as pool:
            yield pool
        return
    try:
        from distributed import Client
    except ImportError:
        raise UserError('--scheduler: pip install "dask[distributed]" first') from None
    try:
        client = Client(options.scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise UserError(f"--scheduler {options.scheduler}: no answer ({error})") from None
    with client:
        try:
            client.run_on_scheduler(importlib.import_module, __name__)
            workers = client.run(importlib.import_module, __name__)
        except ImportError:
            raise UserError(
                f"--scheduler {options.scheduler}: it and its workers do not find this library; "
                f"start them with PYTHONPATH={project.ROOT / 'src'}"
            ) from None
        if not workers:
            raise UserError(f"--scheduler {options.scheduler}: has no workers; start some")
        log.info("  %d workers of %s decode", len(workers), options.scheduler)
        with (
            parallel_config("dask", client=client),
            Parallel(options.workers, return_as="generator") as pool,
        ):
            yield pool


def decoded(pool: "Parallel", root: Path, photos: list[Photo]) -> Iterator[np.ndarray | BadImage]:
    """Decode photos with `pool`, joblib's: each one's pixels in turn, or why it has none."""
    from joblib import delayed

    paths = [root / photo.path for photo in photos]
    tasks = (delayed(_decode)(paths[i : i + TASK]) for i in range(0, len(paths), TASK))
    return itertools.chain.from_iterable(pool(tasks))


def _decode(paths: list[Path]) -> list[np.ndarray | BadImage]:
    images = []
    for path in paths:
        try:
            images.append(decode_file(path))
        except BadImage as bad:
            images.append(bad)
    return images
