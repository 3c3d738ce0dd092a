"""Prepared data compared with their checksums, and with their source's lists and photos."""

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from sentiment.base import sha256sums
from sentiment.base.errors import BadImage, UserError
from sentiment.base.progress import progress
from sentiment.base.sha256sums import Sums
from sentiment.data import dataset, decoding, stored_order
from sentiment.data.arrays import CHUNK, checksum
from sentiment.data.collections import readers
from sentiment.data.collections.collection import Photo
from sentiment.data.collections.origin import Origin
from sentiment.data.feature_store import FOLDER as FEATURES
from sentiment.data.records import Records
from sentiment.data.split import Split, columns_of, fingerprint

log = logging.getLogger(__name__)


def check(records: Records) -> dict[str, str]:
    """Compare every file with its checksum, and every image with its own.

    Returns:
        How a file, or a split as a whole, is damaged, by its name.
    """
    folder, listed = records.folder, records.sums.listed
    there = set(_names(folder))
    surplus, missing = there - listed.keys() - {sha256sums.FILE}, listed.keys() - there
    damaged = records.damaged | dict.fromkeys(surplus, "too many: not one of these data's files")
    damaged |= dict.fromkeys(missing, "missing")
    names = sorted((there & listed.keys()) - damaged.keys())
    chunks = [name for name in names if _is_chunk(name)]
    others = [name for name in names if not _is_chunk(name)]
    with progress(f"checking {folder.name}", len(names), "files") as advance:
        damaged |= _check_files(records.sums, others, advance)
        # Which pixels are right is known from files that have been checked by now.
        splits, _ = open_splits(records, damaged)
        damaged |= _check_chunks(records.sums, chunks, splits, advance)
    splits, unopened = open_splits(records, damaged)
    return damaged | unopened | _check_fingerprints(records.manifest, splits)


def open_splits(
    records: Records, damaged: dict[str, str]
) -> tuple[dict[str, Split], dict[str, str]]:
    """Open the splits of which no files but chunks of images are damaged.

    Returns:
        The splits that could be opened, and why others could not, though no file is damaged.
    """
    splits, unopened = {}, {}
    for name in records.manifest["splits"]:
        damaged_files = [file for file in damaged if file.startswith(f"{name}/")]
        if all(map(_is_chunk, damaged_files)):
            try:
                splits[name] = Split(records.sums, name)
            except UserError as error:
                if not damaged_files:  # a last chunk that is not full is needed for opening
                    unopened[name] = str(error)
    return splits, unopened


def against_lists(manifest: dict, splits: dict[str, Split], folder: Path | None) -> dict[str, str]:
    """Compare the splits' photos and labels with the source's lists.

    Args:
        manifest: the data set's manifest.
        splits: the splits to compare.
        folder: where the source is now, if not where it was.

    Returns:
        How a split differs, by its name.
    """
    origin = Origin.of(manifest, folder)
    if not origin.folder.is_dir():
        log.info("  not compared with its lists: %s is not there", origin.folder)
        return {}
    in_order = stored_order.in_stored_order(readers.read_again(manifest, folder), origin.seed)
    photos = stored_order.photos_stored(manifest, in_order)
    problems = {}
    for name, split in splits.items():
        stored, listed = split.columns, columns_of(photos.get(name, []))
        del stored["checksums"]
        if stored != listed:
            rows = [list(zip(*part.values(), strict=True)) for part in (stored, listed)]
            pairs = enumerate(zip(*rows, strict=False))
            first = next((row for row, (have, want) in pairs if have != want), None)
            where = "" if first is None else f"; row {first} is {stored['paths'][first]}"
            problems[name] = (
                f"holds other photos or labels than {origin.folder} lists ({len(rows[0]):,} "
                f"stored, {len(rows[1]):,} listed{where})"
            )
    return problems


def against_photos(manifest: dict, splits: dict[str, Split], folder: Path) -> dict[str, str]:
    """Decode the photos again, and compare their pixels with those stored.

    Args:
        manifest: the data set's manifest.
        splits: the splits to compare.
        folder: where the source is now.

    Returns:
        How many photos of a split have other pixels, by the split.
    """
    root = readers.read_again(manifest, folder.resolve()).root
    problems = {}
    for name, split in splits.items():
        photos = list(map(Photo, split.paths.tolist(), split.labels.tolist()))
        differing = [
            photo.path
            for photo, image, stored in zip(
                photos,
                _decoded(name, root, photos, split.side),
                split.checksums.tolist(),
                strict=True,
            )
            if isinstance(image, BadImage) or checksum(image) != stored
        ]
        if differing:
            problems[f"{name}, decoded again"] = (
                f"{len(differing):,} of {len(photos):,} photos have other pixels, such as "
                f"{differing[0]} ({dataset.decoders_then_and_now(manifest)})"
            )
    return problems


def _names(folder: Path) -> Iterator[str]:
    """Names of all files and links in a folder; features and hidden ones are left out."""
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        folders[:] = [name for name in folders if name != FEATURES and name[0] != "."]
        for name in names + links:
            if name[0] != ".":
                yield (Path(place) / name).relative_to(folder).as_posix()


def _is_chunk(name: str) -> bool:
    """Whether a file holds images."""
    return "/images/data/" in name


def _check_files(sums: Sums, names: list[str], advance: Callable[[int], None]) -> dict[str, str]:
    """Compare files with their checksums; return how some are damaged, by name."""
    return _faults(names, lambda name: _file_fault(sums, name), advance)


def _check_chunks(
    sums: Sums, names: list[str], splits: dict[str, Split], advance: Callable[[int], None]
) -> dict[str, str]:
    """Compare chunks of images with their checksums, and each image with its own.

    The images of a split that is not among `splits` are left out.
    """

    def fault(name: str) -> str:
        split = splits.get(name.split("/")[0])
        return _file_fault(sums, name) or (_rows_fault(split, name) if split else "")

    return _faults(names, fault, advance)


def _check_fingerprints(manifest: dict, splits: dict[str, Split]) -> dict[str, str]:
    """Compare the splits' content with their fingerprints in the manifest."""
    faults = {}
    for name, split in splits.items():
        if fingerprint(split.columns) != manifest["splits"][name]["fingerprint"]:
            faults[name] = "not what the manifest's fingerprint is of"
    return faults


def _faults(
    names: list[str], fault: Callable[[str], str], advance: Callable[[int], None]
) -> dict[str, str]:
    """Look for a fault in each file, on all cores; return the faults that there are, by name."""
    faults = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, reason in zip(names, pool.map(fault, names), strict=True):
            advance(1)
            if reason:
                faults[name] = reason
    return faults


def _file_fault(sums: Sums, name: str) -> str:
    """How a file differs from its checksum; empty if it does not."""
    file = sums.folder / name
    if file.is_symlink():
        return "a link; expected a file"
    try:
        whole = sha256sums.of(file) == sums.listed[name]
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if whole else f"damaged (not as {sha256sums.FILE} lists it)"


def _rows_fault(split: Split, name: str) -> str:
    """How the images of a chunk's file differ from their checksums; empty if none does."""
    first = int(name.rsplit("__", 1)[1].removesuffix(".blp")) * CHUNK
    rows = np.arange(first, min(first + CHUNK, len(split)))
    try:
        split.copy(rows, list(np.empty((len(rows), *split.shape[1:]), np.uint8)))
    except UserError as error:
        return str(error)
    return ""


def _decoded(
    name: str, root: Path, photos: list[Photo], side: int
) -> Iterator[np.ndarray | BadImage]:
    """Decode a split's photos on all cores, block by block."""
    with (
        decoding.decoders(-1, None, len(photos)) as pool,
        progress(f"decoding {name}", len(photos)) as advance,
    ):
        for start in range(0, len(photos), decoding.BLOCK):
            block = photos[start : start + decoding.BLOCK]
            for image in decoding.decoded(pool, root, block, side):
                advance(1)
                yield image
