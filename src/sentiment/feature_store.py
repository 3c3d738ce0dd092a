"""Bottleneck features on the disk: what FT-F's frozen backbone makes of each image.

They lie under `data/NAME/features/`, a folder for each network and split, whose name ends
in a key of all that they depend on: a run that differs in anything computes its own.
"""

import hashlib
import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from sentiment import cli, dataset, files, project, sha256sums
from sentiment.errors import UserError

log = logging.getLogger(__name__)

FOLDER, MANIFEST = "features", "manifest.json"


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/features.py`."""

    what: tyro.conf.Positional[Literal["list", "clear"]]
    """List the stored features with their sizes, or remove them; a later run computes its own."""
    dataset: str | None = None
    """Only those of this prepared data."""
    data_dir: Path = project.DATA_DIR
    """Where prepared data lie."""


@cli.command()
def main() -> None:
    """Run `scripts/features.py`."""
    options = cli.parse(Options)
    name = dataset.checked_name(options.dataset) if options.dataset else "*"
    folders = sorted(options.data_dir.glob(f"{name}/{FOLDER}/*/"))
    total = 0
    for folder in folders:
        finished = folder.with_name(folder.name.removeprefix(files.PARTIAL))
        size = files.size(folder)
        total += size
        state = "" if folder == finished else " (unfinished)"
        log.info("%8.1f MB  %s%s", size / 1e6, finished.relative_to(options.data_dir), state)
        if options.what == "clear":
            with files.locked(finished):
                shutil.rmtree(folder)
    verb = {"list": "lie", "clear": "were removed"}[options.what]
    log.info("%d feature stores, %.1f MB, %s in %s", len(folders), total / 1e6, verb,
             options.data_dir)  # fmt: skip


def folder_of(data: dataset.Dataset, identity: dict[str, object]) -> Path:
    """Where features of this identity lie.

    Args:
        identity: all that they depend on; with the keys architecture and split.
    """
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    return data.folder / FOLDER / f"{identity['architecture']}_{identity['split']}_{key}"


class Features:
    """The stored features of some rows of a split, read only: what `Batches` takes.

    Args:
        folder: where they lie.
        rows: ascending row numbers of the split, those they were computed of.
        labels: int32, of all the split's rows.

    Raises:
        UserError: they are damaged.
    """

    def __init__(self, folder: Path, rows: np.ndarray, labels: np.ndarray):
        from sentiment.store import Array  # bcolz, which --help does without

        remedy = "remove it with python scripts/features.py clear"
        self.rows, self.labels = rows, labels
        sums = sha256sums.read(folder, remedy)
        checksums = Array(sums, "checksums", np.uint64)[:]
        self.array = Array(sums, "values", np.floating, checksums)
        self.shape, self.dtype = self.array.shape, self.array.dtype
        self.manifest = json.loads(sums.checked(MANIFEST))
        self.seconds = float(self.manifest["seconds"])
        """What computing them took."""
        if self.shape[0] != len(rows):
            raise UserError(f"{folder}: {self.shape[0]} rows, expected {len(rows)}; {remedy}")

    def copy(self, rows: np.ndarray, places: list[np.ndarray]) -> None:
        """Copy the features of ascending rows of the split to where they belong."""
        self.array.copy(np.searchsorted(self.rows, rows), places)
