"""Make damaged files of prepared data again; a new file is taken only if it is the one listed."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment.base import files, sha256sums
from sentiment.base.errors import BadImage, UserError
from sentiment.base.progress import progress
from sentiment.base.sha256sums import Sums
from sentiment.data import arrays, dataset, decoding, stored_order
from sentiment.data.arrays import CHUNK
from sentiment.data.collections import readers
from sentiment.data.collections.collection import Photo
from sentiment.data.records import Records
from sentiment.data.split import columns_of, image_shape, write_columns

GROUPS = decoding.BLOCK // CHUNK
"""Chunks whose photos are under way at a time."""


def repair(records: Records, damaged: list[str], root: Path) -> dict[str, str]:
    """Make damaged files again.

    Args:
        records: what the prepared data have to be.
        damaged: names of damaged files.
        root: the folder that holds the source.

    Returns:
        The files that stay damaged, and why.

    Raises:
        UserError: the source is not there, not of its form, or lists other photos.
    """
    folder, sums = records.folder, records.sums
    for unfinished in folder.glob(f"{files.PARTIAL}*"):
        files.remove(unfinished)
    for name, whole in itertools.permutations((dataset.MANIFEST, dataset.COPY)):
        if name in damaged:
            _take(sums, name, folder / whole)
    if sha256sums.FILE in damaged:
        sha256sums.write(folder, sums.listed)
    known = {*sums.listed, sha256sums.FILE}
    left = {name: "not made again" for name in damaged if name not in known}
    by_split = {
        split: [name for name in damaged if name.startswith(f"{split}/") and name not in left]
        for split in records.manifest["splits"]
    }
    by_split = {split: names for split, names in by_split.items() if names}
    return left | _repair_splits(records, by_split, root) if by_split else left


def _repair_splits(records: Records, by_split: dict[str, list[str]], root: Path) -> dict[str, str]:
    """Make files of splits again; return those that stay damaged, and why."""
    if not root.is_dir():
        raise UserError(f"{root}: not there; say with --source DIR where its photos are now")
    source = readers.read_again(records.manifest, root)
    listed = stored_order.in_stored_order(source, records.manifest["seed"])
    stored = stored_order.photos_stored(records.manifest, listed)
    side = records.manifest["image"]["shape"][0]
    versions = dataset.decoders_then_and_now(records.manifest)
    left: dict[str, str] = {}
    for split, names in by_split.items():
        photos, count = stored.get(split, []), records.manifest["splits"][split]["images"]
        if len(photos) != count:
            raise UserError(
                f"{root}: lists {len(photos):,} photos for {split}, {count:,} were stored; say "
                "with --source DIR where the collection is as it was"
            )
        part = _SplitRepair(
            records.sums, source.root, split, photos, len(listed[split]), side, versions
        )
        left |= part.repair(names)
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
class _SplitRepair:
    """A split, and the photos that it is made of again."""

    sums: Sums
    root: Path
    """Folder that the photos' paths are relative to."""
    split: str
    photos: list[Photo]
    """The stored photos, in their order."""
    listed: int
    """How many photos were to be stored, those that could not be decoded included."""
    side: int
    """Width and height of the stored images."""
    versions: str
    """Versions of Pillow then and now, in words."""

    def repair(self, names: list[str]) -> dict[str, str]:
        """Make files again; return those that stay damaged, and why."""
        of_images = {
            f"{self.split}/images/{arrays.chunk_name(chunk)}": chunk
            for chunk in range(-(-len(self.photos) // CHUNK))
        }
        chunks = {name: of_images[name] for name in names if name in of_images}
        others = [name for name in names if name not in of_images]
        with tempfile.TemporaryDirectory(prefix=files.PARTIAL, dir=self.sums.folder) as folder:
            left = self._repair_chunks(chunks, Path(folder))
            if others:
                left |= self._repair_others(others, Path(folder))
        return left

    def _repair_chunks(self, chunks: dict[str, int], work: Path) -> dict[str, str]:
        """Make chunks of images again, given as numbers by their files' names."""
        left = {}
        groups = [self.photos[chunk * CHUNK : (chunk + 1) * CHUNK] for chunk in chunks.values()]
        for name, photos, images in zip(chunks, groups, self._decoded(groups), strict=True):
            ends = f"{photos[0].path} to {photos[-1].path}"
            bad = [image for image in images if isinstance(image, BadImage)]
            pixels = [image for image in images if not isinstance(image, BadImage)]
            if bad:
                left[name] = f"a photo of {ends} cannot be decoded ({bad[0]})"
            elif not _take(self.sums, name, arrays.write_chunk(work / "chunk", pixels)):
                left[name] = f"{ends} decode to other pixels ({self.versions})"
        return left

    def _repair_others(self, names: list[str], work: Path) -> dict[str, str]:
        """Make columns, and what bcolz keeps beside the images, again."""
        self._write_meta(work)
        write_columns(work, columns_of(self.photos))
        of_checksums = [name for name in names if name.startswith(f"{self.split}/checksums/")]
        left = self._take_all([name for name in names if name not in of_checksums], work)
        if of_checksums:
            try:  # computed from the images, of which all files must be whole by now
                write_columns(work, {"checksums": self._checksums()})
            except UserError as error:
                return left | dict.fromkeys(of_checksums, str(error))
        return left | self._take_all(of_checksums, work)

    def _take_all(self, names: list[str], work: Path) -> dict[str, str]:
        """Put the files made in `work` into their places; return those not taken, and why."""
        return {
            name: f"what {self.root} lists now gives another file"
            for name in names
            if not _take(self.sums, name, work / Path(name).relative_to(self.split))
        }

    def _decoded(self, groups: list[list[Photo]]) -> Iterator[list[np.ndarray | BadImage]]:
        """Decode groups of photos on all cores; a group's pixels at a time."""
        photos = sum(map(len, groups))
        with (
            decoding.decoders(-1, None, photos) as pool,
            progress(f"decoding {self.split}", photos) as advance,
        ):
            for start in range(0, len(groups), GROUPS):
                under_way = groups[start : start + GROUPS]
                images = decoding.decoded(
                    pool, self.root, list(itertools.chain(*under_way)), self.side
                )
                for group in under_way:
                    yield list(itertools.islice(images, len(group)))
                    advance(len(group))

    def _write_meta(self, work: Path) -> None:
        """Write the files that bcolz keeps beside the images themselves."""
        images = self.sums.folder / self.split / "images"
        arrays.create(work / "images", image_shape(self.side), np.uint8, self.listed)
        full = (arrays.chunk_file(images, chunk) for chunk in range(len(self.photos) // CHUNK))
        taken = sum(file.stat().st_size for file in full if file.exists())
        one = np.empty((1, *image_shape(self.side)), np.uint8)
        text = arrays.sizes(one, len(self.photos), taken)
        (work / "images" / "meta" / "sizes").write_text(text)

    def _checksums(self) -> list[int]:
        """Checksum of each image.

        Raises:
            UserError: a file of the images is damaged.
        """
        images = arrays.Array(self.sums, f"{self.split}/images", np.uint8)
        starts = range(0, len(self.photos), CHUNK)
        return [arrays.checksum(row) for start in starts for row in images[start : start + CHUNK]]
