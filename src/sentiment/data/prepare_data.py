"""Prepare a photo collection: decode every photo once into a store that all scripts read."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from sentiment.base import cli, files, project
from sentiment.base.errors import UserError
from sentiment.data import dataset
from sentiment.data.collections.origin import Origin, Reading
from sentiment.data.dataset import Kind
from sentiment.data.decoding import decoders
from sentiment.data.image_size import SIDE, SIDES

if TYPE_CHECKING:
    from sentiment.data.preparation import Preparation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/prepare_data.py`."""

    kind: tyro.conf.Positional[Kind]
    """The collection's form: class folders (folders, or dogs), a table of labelled photos, or a
    published set."""
    source: Path
    """The folder that holds the lists, the table or the class folders, and the photos."""
    name: str | None = None
    """Name of the prepared data; without it, the collection's."""
    seed: int = 1
    """Seed of the stored order, and of splits where the collection has none."""
    size: int = SIDE
    """Width and height of the stored images, in pixels, 96 to 512; what is trained on them takes
    photos of that size."""
    max_bad_percent: float = 1.0
    """Skip and list photos that cannot be decoded, but stop when a split has more than this."""
    data_dir: Path = project.DATA_DIR
    """Folder for the prepared data, which go into a folder of their name in it."""
    workers: int = -1
    """Photos decoded at a time; -1 is one a core. The written bytes do not depend on it."""
    scheduler: str | None = None
    """Address of a Dask scheduler, HOST:PORT: decode on its workers, which see the photos under
    the same path and, as the scheduler does, have this checkout's src in PYTHONPATH."""
    overwrite: bool = False
    """Replace prepared data of this name, finished or not."""
    reading: Reading = field(default_factory=Reading)


@cli.command()
def main() -> None:
    """Run `scripts/prepare_data.py`."""
    prepare(cli.parse(Options))


def prepare(options: Options) -> None:
    """Prepare a collection under `options.data_dir`, from where an earlier call was stopped.

    Raises:
        UserError: a flag is wrong, the source is not of its form, too many photos are bad, the
            disk is too small, other data of this name are there, or another process prepares
            them.
    """
    folder = options.data_dir / dataset.checked_name(options.name or options.kind)
    origin = _checked_origin(options, folder)
    if _is_prepared(folder, origin, options):
        return
    from sentiment.data.preparation import Preparation  # bcolz, which --help does without

    preparation = Preparation(folder, origin, options.size, options.max_bad_percent)
    _announce(preparation)
    with files.locked(folder):
        if _is_prepared(folder, origin, options):  # while the lists were read
            return
        needed = preparation.photos * options.size**2 * 3 - files.size(files.partial(folder))
        free = files.check_room(options.data_dir, needed, "the images")
        log.info("  about %.2f GB on disk, %.1f GB are free", needed / 1e9, free / 1e9)
        with decoders(options.workers, options.scheduler, preparation.photos) as pool:
            preparation.run(pool, options.overwrite)


def _checked_origin(options: Options, folder: Path) -> Origin:
    """The collection to prepare.

    Raises:
        UserError: a flag is wrong.
    """
    if not options.source.is_dir():
        raise UserError(f"--source {options.source}: no such folder")
    if not 0 <= options.max_bad_percent <= 100:
        raise UserError(f"--max-bad-percent {options.max_bad_percent}: expected 0 to 100")
    if options.workers != -1 and options.workers < 1:
        raise UserError(f"--workers {options.workers}: expected 1 or more, or -1 for every core")
    if options.size not in SIDES:
        raise UserError(f"--size {options.size}: expected {SIDES[0]} to {SIDES[-1]}")
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: expected 0 or more")
    root = options.source.resolve()
    if root.is_relative_to(folder.resolve()):
        raise UserError(
            f"--source {root}: lies where {folder.name} would be written; choose a --name"
        )
    return Origin(options.kind, root, options.seed, options.reading.in_folder(root))


def _is_prepared(folder: Path, origin: Origin, options: Options) -> bool:
    """Whether the data are there already.

    Raises:
        UserError: something else is there.
    """
    if not folder.exists():
        return False
    if not (folder / dataset.MANIFEST).exists():
        raise UserError(f"{folder}: is there and holds no prepared data; choose another --name")
    if options.overwrite:
        return False
    prepared = dataset.Dataset(options.data_dir, folder.name)
    manifest = prepared.manifest
    if Origin.of(manifest) != origin or prepared.side != options.size:
        before = manifest.get("reading", {})
        flags = f", read with {before or 'no flags'}" if before != origin.reading.chosen else ""
        size = f", size {prepared.side}" if prepared.side != options.size else ""
        raise UserError(
            f"{folder}: holds {manifest['kind']} from {manifest['source']}, seed "
            f"{manifest['seed']}{size}{flags}; choose another --name, or --overwrite it"
        )
    log.info("%s is already prepared from %s; --overwrite does it anew", folder, origin.folder)
    return True


def _announce(preparation: "Preparation") -> None:
    """Say what will be prepared, and where to."""
    origin, source = preparation.origin, preparation.source
    log.info("Preparing %s from %s", origin.kind, origin.folder)
    sizes = ", ".join(f"{split} {len(photos):,}" for split, photos in source.splits.items())
    log.info("  into %s: %s", preparation.folder, sizes)
    log.info("  %s", dataset.in_words(source.class_names))
    log.info("  labels: %s", source.labels_from)
    for note in source.notes_in_words():
        log.info("  %s", note)
