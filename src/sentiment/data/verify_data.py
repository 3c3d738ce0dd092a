"""What `scripts/verify_data.py` runs: whether prepared data are whole, and as their source is."""

import hashlib
import itertools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro

from sentiment.base import cli, files, project, provenance, sha256sums
from sentiment.base.errors import BadImage, UserError
from sentiment.base.progress import progress
from sentiment.base.sha256sums import Sums
from sentiment.data import dataset, decoding, sources, stored_order
from sentiment.data.feature_store import FOLDER as FEATURES

if TYPE_CHECKING:
    from sentiment.data.split import Split

log = logging.getLogger(__name__)

SHOWN = 20
"""Problems that are named: a screenful; the rest is counted."""

SHOWN_TWINS = 5
"""Images in two splits that are named, of each two splits."""

SPLITS = {"train", "validation", "test"}

UNPROVEN = "what was prepared cannot be told any more; prepare the data again with --overwrite"


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/verify_data.py`."""

    name: tyro.conf.Positional[str]
    """Name of the prepared data."""
    source: Path | None = None
    """Decode the photos again, from this folder, and compare their pixels. With --repair: where
    the photos are now, if not where they were."""
    repair: bool = False
    """Make what is damaged again from the photos and their lists, and touch nothing else."""
    data_dir: Path = project.DATA_DIR
    """Where prepared data lie."""


@dataclass
class Found:
    """What is known of a data set's folder."""

    manifest: dict
    """Proven, though one of its two files may be damaged."""
    sums: Sums
    """What SHA256SUMS lists, or has to list."""
    damaged: dict[str, str] = field(default_factory=dict)
    """How, by the file's name."""


@cli.command()
def main() -> None:
    """Run `scripts/verify_data.py`."""
    if not verify(cli.parse(Options)):
        sys.exit(1)


def verify(options: Options) -> bool:
    """Check prepared data, say what is wrong, and repair what is damaged if asked to.

    Returns:
        Whether all is well, now.

    Raises:
        UserError: there are no such data, or nothing can tell any more what they were.
    """
    if options.source and not options.source.is_dir():
        raise UserError(f"--source {options.source}: no such folder")
    folder = options.data_dir / dataset.checked_name(options.name)
    found = _records(folder)
    log.info("Checking %s, %s files", folder, f"{len(found.sums.listed):,}")
    _check_files(found)
    if found.damaged and options.repair:
        from sentiment.data.repair import repair

        _print(found.damaged)
        root = (options.source or Path(found.manifest["source"])).resolve()
        with files.locked(folder):
            left = repair(found.manifest, found.sums, list(found.damaged), root)
        log.info("Repaired %d of %d files", len(found.damaged) - len(left), len(found.damaged))
        found.damaged = left
    splits = _splits(found)
    problems = found.damaged | _against_lists(found.manifest, splits, options.source)
    if options.source and not options.repair:
        problems |= _against_photos(found.manifest, splits, options.source)
    _print(problems)
    for line in _twins(splits):
        log.info(line)
    if problems:
        remedy = "" if options.repair or not found.damaged else f"; {found.sums.remedy}"
        log.info("%s is not as it was prepared%s", folder, remedy)
    else:
        log.info("%s is whole: %s images", folder, f"{sum(map(len, splits.values())):,}")
    return not problems


def _print(problems: dict[str, str]) -> None:
    for name, reason in sorted(problems.items())[:SHOWN]:
        log.info("  %s: %s", name, reason)
    if len(problems) > SHOWN:
        log.info("  ... and %s more", f"{len(problems) - SHOWN:,}")


def _records(folder: Path) -> Found:
    """Read the two manifests and SHA256SUMS: what two of them say is proven.

    Raises:
        UserError: there is no such proof.
    """
    manifests = {
        name: (folder / name).read_bytes() if (folder / name).is_file() else b""
        for name in (dataset.MANIFEST, dataset.COPY)
    }
    damaged, remedy = {}, dataset.repair_command(folder)
    try:
        sums = sha256sums.read(folder, remedy)
    except UserError as error:
        damaged[sha256sums.FILE] = str(error).removesuffix(f"; {remedy}")
        sums = Sums(folder, {}, remedy)
    digests = {name: hashlib.sha256(text).hexdigest() for name, text in manifests.items()}
    proven = [
        manifests[name] for name, digest in digests.items() if digest == sums.listed.get(name)
    ]
    if not proven and len(set(digests.values())) == 1:
        proven = list(manifests.values())
    try:
        manifest = json.loads(proven[0])
        splits = manifest["splits"]
        if manifest["format_version"] != dataset.FORMAT_VERSION or not SPLITS.issuperset(splits):
            raise ValueError("of another form")
    except (IndexError, ValueError, KeyError, TypeError):
        dataset.Dataset(folder.parent, folder.name)  # none there, or of another version
        raise UserError(f"{folder}: both its manifests are damaged; {UNPROVEN}") from None
    for name, text in manifests.items():
        if text != proven[0]:
            damaged[name] = "damaged" if text else "missing"
        elif digests[name] != sums.listed.get(name):
            damaged[sha256sums.FILE] = f"damaged (lists another {name})"
    if dataset.files_sha256(sums.listed) != manifest["files_sha256"]:
        damaged.setdefault(sha256sums.FILE, "damaged (not as the manifest has it)")
    if sha256sums.FILE in damaged:
        listed = sha256sums.of_others(folder, {}, *splits)
        if dataset.files_sha256(listed) != manifest["files_sha256"]:
            raise UserError(f"{folder}: {sha256sums.FILE} and other files are damaged; {UNPROVEN}")
        proven_sum = hashlib.sha256(proven[0]).hexdigest()
        sums = Sums(folder, listed | dict.fromkeys(manifests, proven_sum), remedy)
    return Found(manifest, sums, damaged)


def _check_files(found: Found) -> None:
    """Hold every file against its checksum, and every stored row against its own."""
    folder, listed = found.sums.folder, found.sums.listed
    there = set(_names(folder))
    for name in there - listed.keys() - {sha256sums.FILE}:
        found.damaged[name] = "too many: not one of these data's files"
    for name in listed.keys() - there:
        found.damaged[name] = "missing"
    names = sorted((there & listed.keys()) - found.damaged.keys())
    chunks = [name for name in names if "/images/data/" in name]
    others = sorted(set(names) - set(chunks))
    with (
        progress(f"checking {folder.name}", len(names), "files") as advance,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):

        def check(name: str) -> str:
            file = folder / name
            if file.is_symlink():
                return "a link; expected a file"
            try:
                whole = sha256sums.of(file) == listed[name]
            except OSError as error:
                return f"cannot be read ({error.strerror})"
            return "" if whole else f"damaged (not as {sha256sums.FILE} lists it)"

        def check_chunk(name: str) -> str:
            reason, split = check(name), splits.get(name.split("/")[0])
            return reason or (_rows_of(split, name) if split else "")

        def take(names: list[str], task: Callable[[str], str]) -> None:
            for name, reason in zip(names, pool.map(task, names), strict=True):
                advance(1)
                if reason:
                    found.damaged[name] = reason

        take(others, check)
        splits = _splits(found)
        take(chunks, check_chunk)
    for split, stored in _splits(found).items():
        from sentiment.data.split import COLUMNS, fingerprint

        columns = {name: getattr(stored, name).tolist() for name in COLUMNS}
        if fingerprint(columns) != found.manifest["splits"][split]["fingerprint"]:
            found.damaged[split] = "not what the manifest's fingerprint is of"


def _names(folder: Path) -> Iterator[str]:
    """All files, and links, but for features and hidden ones."""
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        folders[:] = [name for name in folders if name != FEATURES and name[0] != "."]
        for name in names + links:
            if name[0] != ".":
                yield (Path(place) / name).relative_to(folder).as_posix()


def _rows_of(split: "Split", name: str) -> str:
    """How the rows of a chunk's file differ from their checksums."""
    from sentiment.data.arrays import CHUNK
    from sentiment.data.split import IMAGE_SHAPE

    first = int(name.rsplit("__", 1)[1].removesuffix(".blp")) * CHUNK
    rows = np.arange(first, min(first + CHUNK, len(split)))
    try:
        split.copy(rows, list(np.empty((len(rows), *IMAGE_SHAPE), np.uint8)))
    except UserError as error:
        return str(error)
    return ""


def _splits(found: Found) -> dict[str, "Split"]:
    """The splits that can be opened: no file but their images' is damaged."""
    from sentiment.data.split import Split

    opened = {}
    for split in found.manifest["splits"]:
        damaged = [name for name in found.damaged if name.startswith(f"{split}/")]
        if all("/images/data/" in name for name in damaged):
            try:
                opened[split] = Split(found.sums, split)
            except UserError as error:
                if not damaged:  # a last chunk that is not full is needed to open it
                    found.damaged[split] = str(error)
    return opened


def _against_lists(manifest: dict, splits: dict[str, "Split"], folder: Path | None) -> dict:
    """How the splits differ from what the source lists, by split."""
    root = folder or Path(manifest["source"])
    if not root.is_dir():
        log.info("  not held against its lists: %s is not there", root)
        return {}
    source = sources.READERS[manifest["kind"]](root, manifest["seed"])
    in_order = stored_order.in_stored_order(source, manifest["seed"])
    listed = stored_order.photos_stored(manifest, in_order)
    problems = {}
    for split, stored in splits.items():
        columns = (stored.labels, stored.paths, stored.agreement)
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        wanted = list(map(stored_order.columns, listed.get(split, [])))
        if rows != wanted:
            pairs = zip(rows, wanted, strict=False)
            first = next((row for row, (one, other) in enumerate(pairs) if one != other), None)
            where = f"; row {first} is {rows[first][1]}" if first is not None else ""
            problems[split] = (
                f"holds other photos or labels than {root} lists ({len(rows):,} stored, "
                f"{len(wanted):,} listed{where})"
            )
    return problems


def _against_photos(manifest: dict, splits: dict[str, "Split"], folder: Path) -> dict[str, str]:
    """Decode the photos again: how many have other pixels than were stored, by split."""
    from joblib import Parallel

    from sentiment.data.arrays import checksum

    source = sources.READERS[manifest["kind"]](folder.resolve(), manifest["seed"])
    problems = {}
    with Parallel(-1, return_as="generator", prefer="threads") as pool:
        for split, stored in splits.items():
            photos = [
                sources.Photo(path, label)
                for path, label in zip(stored.paths.tolist(), stored.labels.tolist(), strict=True)
            ]
            others = []
            with progress(f"decoding {split}", len(photos)) as advance:
                for start in range(0, len(photos), decoding.BLOCK):
                    block = photos[start : start + decoding.BLOCK]
                    images = decoding.decoded(pool, source.root, block)
                    for row, image in enumerate(images, start):
                        advance(1)
                        if isinstance(image, BadImage) or checksum(image) != stored.checksums[row]:
                            others.append(photos[row].path)
            if others:
                problems[f"{split}, decoded again"] = (
                    f"{len(others):,} of {len(photos):,} photos have other pixels, such as "
                    f"{others[0]} ({provenance.pillow_then_and_now(manifest)})"
                )
    return problems


def _twins(splits: dict[str, "Split"]) -> Iterator[str]:
    """Images that stand in two splits, in words."""
    for (one, ours), (other, theirs) in itertools.combinations(splits.items(), 2):
        shared, rows, others = np.intersect1d(ours.checksums, theirs.checksums, return_indices=True)
        if len(shared):
            yield f"  {len(shared):,} images stand in {one} and in {other}, pixel for pixel:"
        for row, twin in list(zip(rows, others, strict=True))[:SHOWN_TWINS]:
            yield f"    {one} {ours.paths[row]} = {other} {theirs.paths[twin]}"
        if len(shared) > SHOWN_TWINS:
            yield f"    ... and {len(shared) - SHOWN_TWINS:,} more"
