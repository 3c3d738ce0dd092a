"""The records of prepared data, two manifests and SHA256SUMS: any two of them prove the third."""

import hashlib
import json
from pathlib import Path

from sentiment.base import sha256sums
from sentiment.base.errors import UserError
from sentiment.base.sha256sums import FILE, Sums
from sentiment.data import dataset
from sentiment.data.dataset import COPY, MANIFEST, READ_VERSIONS

SPLITS = {"train", "validation", "test"}

UNPROVEN = "what was prepared cannot be told any more; prepare the data again with --overwrite"


class Records:
    """What the records of a data set prove, and which of the three files are damaged.

    Args:
        folder: the prepared data's folder.

    Raises:
        UserError: there are no prepared data, they are of another version, or no two of their
            records agree.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.damaged: dict[str, str] = {}
        """How a record is damaged, by its file's name."""
        self.sums = self._read_sums()
        """Checksums that SHA256SUMS lists, or has to list."""
        texts = {name: _content(folder / name) for name in (MANIFEST, COPY)}
        proven = self._proven(texts)
        self.manifest = self._parsed(proven)
        """Content of the proven manifest."""
        self._compare(texts, proven)
        if FILE in self.damaged:
            self.sums = self._sums_of_files(proven)

    def _read_sums(self) -> Sums:
        """SHA256SUMS as it is there; without any file if it is damaged."""
        remedy = dataset.repair_command(self.folder)
        try:
            return sha256sums.read(self.folder, remedy)
        except UserError as error:
            self.damaged[FILE] = str(error).removesuffix(f"; {remedy}")
            return Sums(self.folder, {}, remedy)

    def _proven(self, texts: dict[str, bytes]) -> bytes:
        """The manifest that SHA256SUMS lists, or else that both files hold; empty if none is."""
        for name, text in texts.items():
            if _sha256(text) == self.sums.listed.get(name):
                return text
        return texts[MANIFEST] if texts[MANIFEST] == texts[COPY] else b""

    def _parsed(self, text: bytes) -> dict:
        try:
            manifest = json.loads(text)
            splits, version = manifest["splits"], manifest["format_version"]
            if version not in READ_VERSIONS or not SPLITS.issuperset(splits):
                raise ValueError("of another form")
        except (ValueError, KeyError, TypeError):
            # Raises where there are no data, or data of another version.
            dataset.Dataset(self.folder.parent, self.folder.name)
            message = f"{self.folder}: both its manifests are damaged; {UNPROVEN}"
            raise UserError(message) from None
        return manifest

    def _compare(self, texts: dict[str, bytes], proven: bytes) -> None:
        """Note the records that differ from the proven manifest."""
        for name, text in texts.items():
            if text != proven:
                self.damaged[name] = "damaged" if text else "missing"
            elif _sha256(text) != self.sums.listed.get(name):
                self.damaged[FILE] = f"damaged (lists another {name})"
        if dataset.files_sha256(self.sums.listed) != self.manifest["files_sha256"]:
            self.damaged.setdefault(FILE, "damaged (not as the manifest has it)")

    def _sums_of_files(self, proven: bytes) -> Sums:
        """What SHA256SUMS has to list: the files that are there, if the manifest proves them."""
        listed = sha256sums.of_others(self.folder, {}, *self.manifest["splits"])
        if dataset.files_sha256(listed) != self.manifest["files_sha256"]:
            raise UserError(f"{self.folder}: {FILE} and other files are damaged; {UNPROVEN}")
        listed |= dict.fromkeys((MANIFEST, COPY), _sha256(proven))
        return Sums(self.folder, listed, self.sums.remedy)


def _content(file: Path) -> bytes:
    """A file's bytes; none if it is not there."""
    return file.read_bytes() if file.is_file() else b""


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
