"""The report: from what runs have left to one page with tables, pictures and a choice."""

import logging
from dataclasses import dataclass
from pathlib import Path

from sentiment import cli, project
from sentiment.dataset import checked_name
from sentiment.runs import Run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/report.py`."""

    dataset: str = "t4sa"
    """Name of the data the models were trained on."""
    percent: float | None = None
    """Report the runs with this --percent; without it full runs, or else those on a part."""
    skip_explanations: bool = False
    """Leave Grad-CAM out, the one part that starts Keras and loads the models."""
    data_dir: Path = project.DATA_DIR
    """Where prepared data lie, for their sizes and photos."""
    logs_dir: Path = project.LOGS_DIR
    """Where the runs' logs lie and the report goes."""
    models_dir: Path = project.MODELS_DIR
    """Where models and results lie."""


@cli.command()
def main() -> None:
    """Run `scripts/report.py`."""
    report(cli.parse(Options))


def report(options: Options) -> None:
    """Write `logs/DATASET/report/`; what is missing or damaged is said there.

    Raises:
        UserError: the percent or the name is of the wrong form.
    """
    percent = 100.0 if options.percent is None else options.percent
    name = checked_name(options.dataset)
    where = Run("", "fc", name, percent, options.logs_dir, options.models_dir)
    from sentiment import findings, page  # pandas, matplotlib and more, which --help does without

    found = findings.gather(where, options.percent, options.data_dir, not options.skip_explanations)
    file = page.write(options.logs_dir / name / "report", found)
    for problem in found.problems:
        log.info("  left out: %s", problem)
    for sentence in found.choice.sentences:
        log.info("%s", sentence)
    log.info("Saved %s", file)
