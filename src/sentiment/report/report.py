"""The report: from what runs have left to one page with tables, pictures and a choice."""

import logging
from dataclasses import dataclass, field

from sentiment.base import cli
from sentiment.base.project import Folders
from sentiment.data.dataset import checked_name
from sentiment.runs.run_files import RunsWanted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/report.py`."""

    runs: RunsWanted = field(default_factory=RunsWanted)
    skip_explanations: bool = False
    """Leave Grad-CAM out, the one part that starts Keras and loads the models."""
    folders: Folders = field(default_factory=Folders)


@cli.command()
def main() -> None:
    """Run `scripts/report.py`."""
    report(cli.parse(Options))


def report(options: Options) -> None:
    """Write `logs/DATASET/report/`; what is missing or damaged is said there.

    Raises:
        UserError: the percent or the name is of the wrong form.
    """
    name = checked_name(options.runs.dataset)
    from sentiment.report import (  # pandas, matplotlib and more, which --help does without
        findings,
        page,
    )

    found = findings.gather(options.runs, options.folders, explain=not options.skip_explanations)
    file = page.write(options.folders.logs_dir / name / "report", found)
    for problem in found.problems:
        log.info("  left out: %s", problem)
    for line in found.expected:
        log.info("%s", line)
    for sentence in found.choice.sentences:
        log.info("%s", sentence)
    log.info("Saved %s", file)
