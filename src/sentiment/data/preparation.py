"""A collection decoded and stored block by block, from where an earlier call was stopped."""

import dataclasses
import hashlib
import itertools
import json
import logging
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentiment.base import files, journal, provenance, sha256sums
from sentiment.base.errors import BadImage, UserError
from sentiment.base.journal import Journal
from sentiment.base.progress import progress
from sentiment.data import dataset, decode, shared_images
from sentiment.data.arrays import Settled
from sentiment.data.collections import readers
from sentiment.data.collections.collection import Photo
from sentiment.data.collections.origin import Origin
from sentiment.data.decoding import BLOCK, decode_files, decoded
from sentiment.data.image_size import SIDE
from sentiment.data.split import Writer, image_shape
from sentiment.data.stored_order import in_stored_order

if TYPE_CHECKING:
    from joblib import Parallel

log = logging.getLogger(__name__)

PHOTO_TABLE, NEAR_DUPLICATES = ".photos.csv", ".near_duplicates.json"
"""Names of files in an unfinished preparation: what is known of the photos that are to be split,
and which of them are near duplicates."""

SKIPPED_SHOWN = 3
"""Skipped photos of a split that are named on the screen; the manifest lists all."""


class UnfinishedSplit:
    """A split that is being stored, from where the journal ends.

    Args:
        name: the split's name.
        photos: the split's photos, in stored order.
        side: width and height of the stored images.
        folder: the split's folder.
        done: journal of the whole preparation.
    """

    def __init__(self, name: str, photos: list[Photo], side: int, folder: Path, done: Journal):
        self.name, self.photos, self.folder, self.journal = name, photos, folder, done
        blocks = [block for block in done.blocks if block["split"] == name]
        self.noted: int = blocks[-1]["photos"] if blocks else 0
        """How many photos, from the first one on, the journal says are done."""
        self.skipped: dict[int, str] = {
            row: reason for block in blocks for row, reason in block["skipped"]
        }
        """Why a photo could not be decoded, by its index in `photos`."""
        self.stored = [row for row in range(self.noted) if row not in self.skipped]
        """Indices in `photos` of those that are stored."""
        self._writer = Writer(
            folder,
            side,
            len(photos),
            [Settled(block["checksums"], block["sha256"]) for block in blocks],
            [photos[row] for row in self.stored],
        )

    def add(self, row: int, image: np.ndarray | BadImage) -> None:
        """Store the image of a photo, given by its index, or remember why there is none."""
        if isinstance(image, BadImage):
            self.skipped[row] = str(image)
        else:
            self._writer.append(image, self.photos[row])
            self.stored.append(row)

    def note(self) -> None:
        """Make all whole chunks reach the disk, and note them in the journal."""
        settled = self._writer.settle()
        if not settled.sha256:
            return
        until = self.stored[self._writer.rows - 1] + 1
        skipped = [item for item in self.skipped.items() if self.noted <= item[0] < until]
        of = len(self.photos)  # for those who look on
        block = {"split": self.name, "photos": until, "of": of, "skipped": skipped}
        self.journal.add(block | settled._asdict())
        self.noted = until

    def close(self, class_names: tuple[str, ...]) -> tuple[dict, dict[str, str]]:
        """Write what is left; return the split's entry in the manifest, and its files' SHA-256."""
        fingerprint, sums = self._writer.close()
        by_class = dict.fromkeys(class_names, 0)
        for row in self.stored:
            by_class[class_names[self.photos[row].label]] += 1
        entry = {
            "images": len(self.stored),
            "by_class": by_class,
            "bytes": files.size(self.folder),
            "fingerprint": fingerprint,
            "skipped": [
                {"path": self.photos[row].path, "reason": reason}
                for row, reason in self.skipped.items()
            ],
        }
        return entry, sums


class Preparation:
    """A collection to decode and store, read as far as its lists.

    Args:
        folder: the prepared data's folder, `data/NAME`.
        origin: the collection.
        side: width and height of the stored images.
        max_bad_percent: percent of a split's photos that may be bad, which are then skipped.

    Raises:
        UserError: the source is not of its form.
    """

    def __init__(
        self, folder: Path, origin: Origin, side: int = SIDE, max_bad_percent: float = 1.0
    ):
        self.folder, self.origin, self.side = folder, origin, side
        self.max_bad_percent = max_bad_percent
        self.source = readers.read(origin)

    @property
    def photos(self) -> int:
        """How many photos the lists name."""
        return sum(map(len, self.source.splits.values()))

    def run(self, pool: "Parallel", overwrite: bool = False) -> None:
        """Decode and store all splits, from where an earlier call was stopped.

        Args:
            pool: decodes, as `decoding.decoders` yields it.
            overwrite: start anew where other data are unfinished.

        Raises:
            UserError: too many photos are bad, or other data of this name are unfinished.
        """
        started = time.monotonic()

        def refuse(difference: str) -> None:
            if not overwrite:
                raise UserError(
                    f"{files.partial(self.folder)}: an unfinished preparation with {difference}; "
                    "finish it, or --overwrite starts anew"
                )

        with journal.folder(self.folder, self._plan(), refuse) as (temporary, done):
            near_duplicates = self._near_duplicates(temporary)
            divided = self.source.divided(near_duplicates, self.origin.seed)
            photos = in_stored_order(divided, self.origin.seed)
            self._take_mended(done, photos)
            self._log_resumption(done)
            entries: dict[str, dict] = {}
            sums: dict[str, str] = {}
            for name in photos:
                split = UnfinishedSplit(name, photos[name], self.side, temporary / name, done)
                entries[name], sums_of_split = self._finish(split, pool)
                sums |= sums_of_split
            self._write_records(temporary, entries, sums, near_duplicates, done.seconds)
            for name in (PHOTO_TABLE, NEAR_DUPLICATES):
                (temporary / name).unlink(missing_ok=True)
        prepared = dataset.Dataset(self.folder.parent, self.folder.name)
        for line in shared_images.in_words({name: prepared.split(name) for name in entries}):
            log.info(line)
        log.info("Prepared %s in %.0f s", self.folder, time.monotonic() - started)

    def _near_duplicates(self, folder: Path) -> list[list[str]]:
        """Find near duplicates among the photos that are to be split, once in this preparation."""
        file = folder / NEAR_DUPLICATES
        if not self.source.undivided:
            return []
        if file.exists():
            return json.loads(file.read_bytes())
        from sentiment.data import near_duplicates, photo_table  # pandas, which --help does without

        log.info("  looks for near duplicates, which go into one split")
        undivided = {name: self.source.splits[name] for name in self.source.undivided}
        among = dataclasses.replace(self.source, splits=undivided)
        with photo_table.names_of_any_bytes():
            groups = near_duplicates.groups(photo_table.complete(among, folder / PHOTO_TABLE))
        log.info("  %s photos are near duplicates, in %s groups", f"{sum(map(len, groups)):,}",
                 f"{len(groups):,}")  # fmt: skip
        with files.whole_file(file) as temporary:
            temporary.write_text(json.dumps(groups), encoding="utf-8")
        return groups

    def _plan(self) -> dict:
        """All that the stored data depend on."""
        listed = self.source.class_names, sorted(itertools.chain(*self.source.splits.values()))
        versions = provenance.versions()
        return {
            **self.origin.manifest_entries,
            "photos": hashlib.sha256(repr(listed).encode()).hexdigest()[:16],
            "store format": dataset.FORMAT_VERSION,
            "size": self.side,
            **{name: versions[name] for name in ("pillow", "numpy", "bcolz-zipline")},
            **self._heif(),
        }

    def _heif(self) -> dict[str, str]:
        """The version of the package that decodes HEIC photos, if there are some."""
        paths = (photo.path for photo in itertools.chain(*self.source.splits.values()))
        listed = any(path.lower().endswith(decode.HEIF_SUFFIXES) for path in paths)
        if listed and "HEIF" in decode.FORMATS:
            return {"pi-heif": metadata.version("pi-heif")}
        return {}

    def _take_mended(self, done: Journal, photos: dict[str, list[Photo]]) -> None:
        """Go back to the first block with a photo that was skipped and can be decoded now.

        A drive may have been away, or a photo may have been mended.
        """
        for number, block in enumerate(done.blocks):
            of_split = photos[block["split"]]
            skipped = [self.source.root / of_split[row].path for row, _ in block["skipped"]]
            if not all(isinstance(image, BadImage) for image in decode_files(skipped, self.side)):
                done.rewind(number)
                return

    def _log_resumption(self, done: Journal) -> None:
        if done.blocks:
            before = sum({block["split"]: block["photos"] for block in done.blocks}.values())
            log.info("  goes on after %s of %s photos", f"{before:,}", f"{self.photos:,}")

    def _finish(self, split: UnfinishedSplit, pool: "Parallel") -> tuple[dict, dict[str, str]]:
        """Decode and store a split's photos; return what `UnfinishedSplit.close` does."""
        started, before = time.monotonic(), len(split.stored)
        self._decode(split, pool)
        if not split.stored:
            raise UserError(f"{split.name}: not one photo could be decoded")
        entry, sums = split.close(self.source.class_names)
        images, skipped = len(split.stored), entry["skipped"]
        rate = (images - before) / (time.monotonic() - started)
        log.info(
            "  %s: %s images, %.0f images/s, %d skipped",
            split.name, f"{images:,}", rate, len(skipped),
        )  # fmt: skip
        for photo in skipped[:SKIPPED_SHOWN]:
            log.info("    skipped %s: %s", photo["path"], photo["reason"])
        if len(skipped) > SKIPPED_SHOWN:
            log.info("    ... all are listed in the manifest")
        return entry, sums

    def _decode(self, split: UnfinishedSplit, pool: "Parallel") -> None:
        """Decode and store the photos of a split that the journal has not noted."""
        total = len(split.photos)
        with progress(split.name, total, before=split.noted) as advance:
            for start in range(split.noted, total, BLOCK):
                block = split.photos[start : start + BLOCK]
                for row, image in enumerate(
                    decoded(pool, self.source.root, block, self.side), start
                ):
                    advance(1)
                    split.add(row, image)
                    if isinstance(image, BadImage):
                        self._refuse_many(split)
                if split.journal.due or start + BLOCK >= total:
                    split.note()

    def _refuse_many(self, split: UnfinishedSplit) -> None:
        """Raise a UserError when more photos of a split are bad than may be."""
        count, total, percent = len(split.skipped), len(split.photos), self.max_bad_percent
        if count > total * percent / 100:
            row, reason = next(iter(split.skipped.items()))
            raise UserError(
                f"{split.name}: {count} of {total} photos are bad, over the {percent:g} % allowed; "
                f"the first is {self.source.root / split.photos[row].path}: {reason}; mend the "
                "source, or allow more with --max-bad-percent"
            )

    def _write_records(
        self,
        folder: Path,
        entries: dict[str, dict],
        sums: dict[str, str],
        near_duplicates: list[list[str]],
        seconds: float,
    ) -> None:
        """Write the manifest, its copy and SHA256SUMS, of splits' entries and files' SHA-256."""
        class_names = self.source.class_names
        prints = [entry["fingerprint"] for entry in entries.values()]
        origin = provenance.provenance()
        origin["versions"] |= self._heif()
        manifest = {
            "format_version": dataset.FORMAT_VERSION,
            **self.origin.manifest_entries,
            "class_names": class_names,
            "labels_from": self.source.labels_from,
            "note": "; ".join(self.source.notes),
            "passed_over": self.source.passed_over,
            "near_duplicates": near_duplicates,
            "image": {"shape": image_shape(self.side), "dtype": "uint8", "colour": "sRGB"},
            "splits": entries,
            "fingerprint": hashlib.sha256(repr((class_names, prints)).encode()).hexdigest(),
            "files_sha256": dataset.files_sha256(sums),
            "created": provenance.now(),
            "seconds": round(seconds, 1),
            **origin,
        }
        for name in (dataset.MANIFEST, dataset.COPY):
            files.write_json(folder / name, manifest)
            sums[name] = sha256sums.of(folder / name)
        sha256sums.write(folder, sums)
