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

from sentiment import cli, dataset, files, project, provenance, sources
from sentiment.decode import SIDE, decode_file
from sentiment.errors import BadImage, UserError
from sentiment.progress import progress
from sentiment.sources import Photo, Source

if TYPE_CHECKING:
    from joblib import Parallel

log = logging.getLogger(__name__)

TASK, BLOCK = 8, 1024
"""Photos a worker takes at a time, and photos under way: 154 MB of pixels at most wait to be
written."""

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
    """Replace prepared data of this name."""


@cli.command()
def main() -> None:
    """Run `scripts/prepare_data.py`."""
    prepare(cli.parse(Options))


def prepare(options: Options) -> None:
    """Prepare a collection under `options.data_dir`.

    Raises:
        UserError: the source is not of its form, too many photos are bad, the disk is too
            small, or other data of this name are there.
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
    if folder.exists() and not (folder / dataset.MANIFEST).exists():
        raise UserError(f"{folder}: is there and holds no prepared data; choose another --name")
    if folder.exists() and not options.overwrite:
        prepared = dataset.Dataset(options.data_dir, name).manifest
        if origin.items() <= prepared.items():
            log.info("%s is already prepared from %s; --overwrite does it anew", folder, root)
            return
        raise UserError(
            f"{folder}: holds {prepared['kind']} from {prepared['source']}, seed "
            f"{prepared['seed']}; choose another --name, or --overwrite it"
        )

    source = sources.READERS[options.kind](root, options.seed)
    total = sum(map(len, source.splits.values()))
    needed = total * SIDE * SIDE * 3
    log.info("Preparing %s from %s", options.kind, root)
    sizes = ", ".join(f"{split} {len(photos):,}" for split, photos in source.splits.items())
    log.info("  into %s: %s", folder, sizes)
    log.info("  %s", dataset.in_words(source.class_names))
    if source.note:
        log.info("  %s", source.note)
    options.data_dir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(options.data_dir).free
    log.info("  about %.2f GB on disk, %.1f GB are free", needed / 1e9, free / 1e9)
    if free < needed:
        raise UserError(f"{options.data_dir}: {free / 1e9:.1f} GB free, {needed / 1e9:.1f} needed")

    started = time.monotonic()
    with _workers(options) as pool, files.whole_folder(folder) as temporary:
        splits = {
            split: _write_split(source, split, photos, temporary / split, options, pool)
            for split, photos in source.splits.items()
        }
        prints = [split["fingerprint"] for split in splits.values()]
        manifest = {
            "format_version": dataset.FORMAT_VERSION,
            **origin,
            "class_names": source.class_names,
            "note": source.note,
            "image": {"shape": [SIDE, SIDE, 3], "dtype": "uint8", "colour": "RGB"},
            "splits": splits,
            "fingerprint": hashlib.sha256(repr((source.class_names, prints)).encode()).hexdigest(),
            "created": provenance.now(),
            "seconds": round(time.monotonic() - started, 1),
            **provenance.provenance(),
        }
        files.write_json(temporary / dataset.MANIFEST, manifest)
    log.info("Prepared %s in %.0f s", folder, time.monotonic() - started)


def _write_split(
    source: Source,
    split: str,
    photos: list[Photo],
    folder: Path,
    options: Options,
    pool: "Parallel",
) -> dict:
    """Decode and store one split; return its part of the manifest."""
    from sentiment.store import Writer

    if split in MIXED:
        order = np.random.default_rng(options.seed).permutation(len(photos))
        photos = [photos[row] for row in order]
    writer = Writer(folder, len(photos))
    by_class = dict.fromkeys(source.class_names, 0)
    skipped: list[dict[str, str]] = []
    started = time.monotonic()
    with progress(split, len(photos)) as advance:
        for photo, image in _decoded(pool, source.root, photos):
            advance(1)
            if isinstance(image, BadImage):
                skipped.append({"path": photo.path, "reason": str(image)})
                if len(skipped) > len(photos) * options.max_bad_percent / 100:
                    raise UserError(
                        f"{split}: {len(skipped)} of {len(photos)} photos are bad, over the "
                        f"{options.max_bad_percent:g} % allowed; the first is "
                        f"{source.root / skipped[0]['path']}: {skipped[0]['reason']}; mend the "
                        "source, or allow more with --max-bad-percent"
                    )
                continue
            writer.append(image, photo.label, photo.path, photo.agreement)
            by_class[source.class_names[photo.label]] += 1
    if not any(by_class.values()):
        raise UserError(f"{split}: not one photo could be decoded")
    fingerprint = writer.close()
    stored = sum(by_class.values())
    rate = stored / (time.monotonic() - started)
    log.info("  %s: %s images, %.0f images/s, %d skipped", split, f"{stored:,}", rate, len(skipped))
    for bad in skipped[:3]:
        log.info("    skipped %s: %s", bad["path"], bad["reason"])
    if len(skipped) > 3:
        log.info("    ... all are listed in the manifest")
    return {
        "images": stored,
        "by_class": by_class,
        "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        "fingerprint": fingerprint,
        "skipped": skipped,
    }


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


def _decoded(
    pool: "Parallel", root: Path, photos: list[Photo]
) -> Iterator[tuple[Photo, np.ndarray | BadImage]]:
    """Every photo in turn with its pixels, or with why it has none."""
    from joblib import delayed

    for start in range(0, len(photos), BLOCK):
        block = photos[start : start + BLOCK]
        paths = [root / photo.path for photo in block]
        tasks = (delayed(_decode)(paths[i : i + TASK]) for i in range(0, len(block), TASK))
        yield from zip(block, itertools.chain.from_iterable(pool(tasks)), strict=True)


def _decode(paths: list[Path]) -> list[np.ndarray | BadImage]:
    images = []
    for path in paths:
        try:
            images.append(decode_file(path))
        except BadImage as bad:
            images.append(bad)
    return images
