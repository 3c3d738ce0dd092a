"""The report: from what runs have left to one page with tables, pictures and a choice."""

import logging
from dataclasses import dataclass, field

from sentiment.base import cli, warm_start
from sentiment.base.project import Folders
from sentiment.data.dataset import checked_name
from sentiment.engine import backend
from sentiment.runs.run_files import RunsWanted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/report.py`."""

    runs: RunsWanted = field(default_factory=RunsWanted)
    skip_explanations: bool = False
    """Leave Grad-CAM out, the one part that starts Keras and loads the models, on the CPU."""
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
    if not options.skip_explanations:
        backend.compute_on_cpu()
        warm_start.launched()  # imports Keras while the rest is read and drawn
    from sentiment.report import (  # pandas, matplotlib and more, which --help does without
        explanations,
        findings,
        page,
    )

    found = findings.gather(options.runs, options.folders)
    tested = None if options.skip_explanations else found.tested
    with explanations.begun(found.models, tested, found.problems) as explained:
        file = page.write(options.folders.logs_dir / name / "report", found, explained)
    for problem in found.problems:
        log.info("  left out: %s", problem)
    for line in found.expected:
        log.info("%s", line)
    for sentence in found.choice.sentences:
        log.info("%s", sentence)
    log.info("Saved %s", file)
