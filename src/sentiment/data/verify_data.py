"""Check whether prepared data are whole and as their source is, and repair them if asked to."""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from sentiment.base import cli, files, project
from sentiment.base.errors import UserError
from sentiment.data import dataset
from sentiment.data.records import Records

log = logging.getLogger(__name__)

SHOWN = 20
"""Problems that are named: a screenful; the rest is counted."""


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
    """Folder of prepared data."""


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
    from sentiment.data import shared_images, verification  # bcolz, which --help does without

    if options.source and not options.source.is_dir():
        raise UserError(f"--source {options.source}: no such folder")
    folder = options.data_dir / dataset.checked_name(options.name)
    records = Records(folder)
    log.info("Checking %s, %s files", folder, f"{len(records.sums.listed):,}")
    damaged = verification.check(records)
    if damaged and options.repair:
        _log_problems(damaged)
        damaged = _repair(records, damaged, options.source)
    splits, unopened = verification.open_splits(records, damaged)
    damaged |= unopened
    problems = damaged | verification.against_lists(records.manifest, splits, options.source)
    if options.source and not options.repair:
        problems |= verification.against_photos(records.manifest, splits, options.source)
    _log_problems(problems)
    for line in shared_images.in_words(splits):
        log.info(line)
    if problems:
        remedy = "" if options.repair or not damaged else f"; {records.sums.remedy}"
        log.info("%s is not as it was prepared%s", folder, remedy)
    else:
        log.info("%s is whole: %s images", folder, f"{sum(map(len, splits.values())):,}")
    return not problems


def _repair(records: Records, damaged: dict[str, str], source: Path | None) -> dict[str, str]:
    """Repair damaged files; return those that stay damaged, and why."""
    from sentiment.data.repair import repair

    root = (source or Path(records.manifest["source"])).resolve()
    with files.locked(records.folder):
        left = repair(records, list(damaged), root)
    log.info("Repaired %d of %d files", len(damaged) - len(left), len(damaged))
    return left


def _log_problems(problems: dict[str, str]) -> None:
    for name, reason in sorted(problems.items())[:SHOWN]:
        log.info("  %s: %s", name, reason)
    if len(problems) > SHOWN:
        log.info("  ... and %s more", f"{len(problems) - SHOWN:,}")
