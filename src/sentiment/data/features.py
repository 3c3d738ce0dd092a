"""List the stored bottleneck features, or remove them."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from sentiment.base import cli, files, project
from sentiment.data import dataset
from sentiment.data.feature_store import FOLDER

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/features.py`."""

    what: tyro.conf.Positional[Literal["list", "clear"]]
    """List the stored features with their sizes, or remove them; a later run computes its own."""
    dataset: str | None = None
    """Name of the prepared data whose features are meant; without it, those of all."""
    data_dir: Path = project.DATA_DIR
    """Folder of prepared data, beside which features lie, or the --features-dir of their runs."""


@cli.command()
def main() -> None:
    """Run `scripts/features.py`."""
    options = cli.parse(Options)
    name = dataset.checked_name(options.dataset) if options.dataset else "*"
    folders = sorted(options.data_dir.glob(f"{name}/{FOLDER}/*/"))
    total = 0
    for folder in folders:
        finished_name = folder.with_name(folder.name.removeprefix(files.PARTIAL))
        size = files.size(folder)
        total += size
        state = "" if folder == finished_name else " (unfinished)"
        log.info("%8.1f MB  %s%s", size / 1e6, finished_name.relative_to(options.data_dir), state)
        if options.what == "clear":
            with files.locked(finished_name):
                shutil.rmtree(folder)
    verb = {"list": "lie", "clear": "were removed"}[options.what]
    log.info("%d feature stores, %.1f MB, %s in %s", len(folders), total / 1e6, verb,
             options.data_dir)  # fmt: skip
