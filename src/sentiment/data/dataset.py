"""A prepared data set: the folder `data/NAME/` with its manifest and a store for each split."""

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from sentiment.base import project, provenance, sha256sums
from sentiment.base.errors import UserError

if TYPE_CHECKING:
    from sentiment.data.split import Split

Kind = Literal[
    "folders", "table", "t4sa", "ttd", "dogs", "emoset", "emotion6", "mvsa", "t4sa2",
]  # fmt: skip
"""Kinds of photo collections: class folders (dog breeds are some), tables of labelled photos, and
sets that researchers have published."""
B_T4SA: Kind = "t4sa"
"""Name of the data that the paper's models, and by default ours, were trained on."""
TTD: Kind = "ttd"
"""Name of the second test set."""
MANIFEST, COPY = "manifest.json", "manifest_copy.json"
"""Names of the file that says what was prepared from what, and of its copy, without which a
damaged manifest could not be repaired."""
MANIFEST_KEYS = {
    "kind", "source", "seed", "class_names", "image", "splits", "fingerprint", "files_sha256",
}  # fmt: skip
FORMAT_VERSION = 3
"""Version of the folder's layout, its stores, and what is done to the photos in them."""
READ_VERSIONS = (2, FORMAT_VERSION)
"""Versions that are read. Version 2 took colours as if every photo were sRGB, and has no shares."""


def checked_name(name: str) -> str:
    """Return `name` if it can name a folder under data/ and logs/.

    Raises:
        UserError: the name has other characters than letters, digits, `.`, `_`, `-`.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UserError(
            f"data set name {name!r}; expected letters, digits, '.', '_', '-', such as t4sa"
        )
    return name


def in_words(class_names: Sequence[str]) -> str:
    """Classes in words, such as `3 classes: negative, neutral, positive`; of many the first 5."""
    more = ", ..." if len(class_names) > 5 else ""
    return f"{len(class_names)} classes: {', '.join(class_names[:5])}{more}"


def repair_command(folder: Path) -> str:
    """The command that repairs the prepared data in this folder."""
    where = f" --data-dir {folder.parent}" if folder.parent != project.DATA_DIR else ""
    return f"python scripts/verify_data.py {folder.name} --repair{where}"


def decoders_then_and_now(manifest: dict) -> str:
    """What decoded the photos of prepared data and what decodes them now, in words."""
    then, now = manifest["versions"]["pillow"], provenance.versions()["pillow"]
    words = f"prepared with Pillow {then}, this is {now}"
    if manifest["format_version"] < FORMAT_VERSION:
        words += "; colour profiles were passed over then"
    return words


def files_sha256(sums: dict[str, str]) -> str:
    """SHA-256 of the lines of SHA256SUMS but those of the manifests, which hold this digest."""
    others = {name: digest for name, digest in sums.items() if name not in (MANIFEST, COPY)}
    return hashlib.sha256(sha256sums.text(others).encode()).hexdigest()


class Dataset:
    """A prepared data set, read only.

    Raises:
        UserError: no data of this name were prepared, or by another version, or their manifest
            or SHA256SUMS is damaged.
    """

    def __init__(self, data_dir: Path, name: str):
        self.name = checked_name(name)
        self.folder = data_dir / name
        file = self.folder / MANIFEST
        try:
            self.manifest = json.loads(file.read_bytes())
            version = self.manifest["format_version"]
            missing = MANIFEST_KEYS - self.manifest.keys() if version in READ_VERSIONS else None
            if missing:
                raise KeyError(*sorted(missing)[:1])
        except FileNotFoundError:
            kind = name if name in get_args(Kind) else "folders"
            raise UserError(
                f"{self.folder}: no prepared data; make it with "
                f"python scripts/prepare_data.py {kind} --source DIR --name {name}"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{file}: damaged ({error}); {repair_command(self.folder)}") from None
        if version not in READ_VERSIONS:
            raise UserError(
                f"{self.folder}: store format {version}; this version reads "
                f"{' and '.join(map(str, READ_VERSIONS))}: prepare the data again with --overwrite"
            )
        self.sums = sha256sums.read(self.folder, repair_command(self.folder))
        self.sums.checked(MANIFEST)
        if files_sha256(self.sums.listed) != self.manifest["files_sha256"]:
            listed = self.folder / sha256sums.FILE
            raise UserError(f"{listed}: damaged (not as {MANIFEST} has it); {self.sums.remedy}")

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the labels 0, 1, ..."""
        return tuple(self.manifest["class_names"])

    @property
    def fingerprint(self) -> str:
        """SHA-256 of class names and every split's content."""
        return self.manifest["fingerprint"]

    @property
    def side(self) -> int:
        """Width and height of the images, in pixels."""
        return self.manifest["image"]["shape"][0]

    def counts(self, split: str) -> dict[str, int]:
        """Number of a split's images by class.

        Raises:
            UserError: the data set has no such split.
        """
        if split not in self.manifest["splits"]:
            have = ", ".join(self.manifest["splits"])
            raise UserError(f"{self.folder}: no {split} split; it has {have}")
        return self.manifest["splits"][split]["by_class"]

    def split(self, name: str) -> "Split":
        """Open one split's store."""
        from sentiment.data.split import Split  # bcolz, which --help and --dry-run do without

        self.counts(name)
        return Split(self.sums, name)

    @cached_property
    def bytes(self) -> int:
        """Size of all splits on the disk."""
        return sum(split["bytes"] for split in self.manifest["splits"].values())
