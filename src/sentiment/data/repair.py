"""Make damaged files of prepared data again: only what comes out as it was listed is taken."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel

from sentiment.base import files, provenance, sha256sums
from sentiment.base.errors import BadImage, UserError
from sentiment.base.progress import progress
from sentiment.base.sha256sums import Sums
from sentiment.data import arrays, dataset, decoding, sources, stored_order
from sentiment.data.arrays import CHUNK
from sentiment.data.sources import Photo
from sentiment.data.split import IMAGE_SHAPE, columns_of, write_columns

GROUPS = decoding.BLOCK // CHUNK
"""Chunks whose photos are under way at a time."""


def repair(manifest: dict, sums: Sums, damaged: list[str], root: Path) -> dict[str, str]:
    """Make damaged files again.

    Args:
        manifest: what was prepared.
        sums: what SHA256SUMS must list.
        damaged: names of files.
        root: the folder that holds the source.

    Returns:
        The files that stay damaged, and why.

    Raises:
        UserError: the source is not there, or not of its form.
    """
    folder = sums.folder
    for killed in folder.glob(f"{files.PARTIAL}*"):
        files.remove(killed)
    left = {name: "not made again" for name in damaged if name not in sums.listed}
    for one, other in itertools.permutations((dataset.MANIFEST, dataset.COPY)):
        if one in damaged:
            _take(sums, one, folder / other)
    if sha256sums.FILE in damaged:
        sha256sums.write(folder, sums.listed)
        left.pop(sha256sums.FILE)
    by_split = {
        split: [name for name in damaged if name.startswith(f"{split}/") and name not in left]
        for split in manifest["splits"]
    }
    if not any(by_split.values()):
        return left
    if not root.is_dir():
        raise UserError(f"{root}: not there; say with --source DIR where its photos are now")
    source = sources.READERS[manifest["kind"]](root, manifest["seed"])
    listed = stored_order.in_stored_order(source, manifest["seed"])
    stored = stored_order.photos_stored(manifest, listed)
    for split, names in by_split.items():
        count = manifest["splits"][split]["images"]
        if names and len(stored.get(split, ())) != count:
            raise UserError(
                f"{root}: lists {len(stored.get(split, ())):,} photos for {split}, {count:,} were "
                "stored; say with --source DIR where the collection is as it was"
            )
        if names:
            part = _Part(sums, source.root, split, stored[split], len(listed[split]))
            left |= part.repair(names, provenance.pillow_then_and_now(manifest))
    return left


def _take(sums: Sums, name: str, made: Path) -> bool:
    """Put a file that was made again into its place, if it is the one listed."""
    place = sums.folder / name
    inside = place.parent.resolve().is_relative_to(sums.folder.resolve())
    if not inside or not made.is_file() or sha256sums.of(made) != sums.listed[name]:
        return False
    with files.whole_file(place) as temporary:
        shutil.copyfile(made, temporary)
    return True


@dataclass(frozen=True)
class _Part:
    """A split, and what it is made of again."""

    sums: Sums
    root: Path
    """Of the photos' paths."""
    split: str
    photos: list[Photo]
    """Those stored, in their order."""
    listed: int
    """How many were to be stored, those that could not be decoded included."""

    def repair(self, names: list[str], versions: str) -> dict[str, str]:
        """Make files again; return those that stay damaged, and why."""
        chunks = {
            f"{self.split}/images/{arrays.chunk_name(chunk)}": chunk
            for chunk in range(-(-len(self.photos) // CHUNK))
        }
        others = [name for name in names if name not in chunks]
        names = [name for name in names if name in chunks]
        left = {}
        with tempfile.TemporaryDirectory(prefix=files.PARTIAL, dir=self.sums.folder) as folder:
            work = Path(folder)
            images = self._decoded([self._of_chunk(chunks[name]) for name in names])
            for name, rows in zip(names, images, strict=True):
                bad = [image for image in rows if isinstance(image, BadImage)]
                some = self._of_chunk(chunks[name])
                if bad:
                    left[name] = f"a photo of {_ends(some)} cannot be decoded ({bad[0]})"
                elif not _take(self.sums, name, arrays.write_chunk(work / "chunk", rows)):
                    left[name] = f"{_ends(some)} decode to other pixels ({versions})"
            if others:
                self._write_meta(work)
                write_columns(work, self._columns())
            # Those of the images before those of their checksums, which are computed from them.
            for name in sorted(others, key=lambda name: "/checksums/" in name):
                in_split = Path(name).relative_to(self.split)
                if in_split.parts[0] == "checksums" and not (work / "checksums").exists():
                    try:
                        write_columns(work, {"checksums": self._checksums()})
                    except UserError as error:
                        left[name] = str(error)
                        continue
                if not _take(self.sums, name, work / in_split):
                    left[name] = f"what {self.root} lists now gives another file"
        return left

    def _of_chunk(self, chunk: int) -> list[Photo]:
        return self.photos[chunk * CHUNK : (chunk + 1) * CHUNK]

    def _decoded(self, groups: list[list[Photo]]) -> Iterator[list[np.ndarray | BadImage]]:
        """The pixels of groups of photos, decoded on all cores."""
        with (
            Parallel(-1, return_as="generator", prefer="threads") as pool,
            progress(f"decoding {self.split}", sum(map(len, groups))) as advance,
        ):
            for start in range(0, len(groups), GROUPS):
                some = groups[start : start + GROUPS]
                images = decoding.decoded(pool, self.root, list(itertools.chain(*some)))
                for group in some:
                    yield list(itertools.islice(images, len(group)))
                    advance(len(group))

    def _write_meta(self, work: Path) -> None:
        """Write what bcolz keeps besides the images themselves."""
        images = self.sums.folder / self.split / "images"
        arrays.create(work / "images", IMAGE_SHAPE, np.uint8, self.listed)
        full = (arrays.chunk_file(images, chunk) for chunk in range(len(self.photos) // CHUNK))
        taken = sum(file.stat().st_size for file in full if file.exists())
        text = arrays.sizes(np.empty((1, *IMAGE_SHAPE), np.uint8), len(self.photos), taken)
        (work / "images" / "meta" / "sizes").write_text(text)

    def _columns(self) -> dict[str, list]:
        """All columns but the checksums."""
        columns = columns_of(map(stored_order.columns, self.photos), [])
        del columns["checksums"]
        return columns

    def _checksums(self) -> list[int]:
        """Of the images, all of which must be whole."""
        images = arrays.Array(self.sums, f"{self.split}/images", np.uint8)
        starts = range(0, len(self.photos), CHUNK)
        return [arrays.checksum(row) for start in starts for row in images[start : start + CHUNK]]


def _ends(photos: list[Photo]) -> str:
    return f"{photos[0].path} to {photos[-1].path}"
