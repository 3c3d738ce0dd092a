"""Writes the report: one page that holds everything, and each table and picture as files."""

import shlex
import sys
from pathlib import Path

from sentiment.base import files, provenance, templates
from sentiment.report import gallery
from sentiment.report.explanations import Explanations
from sentiment.report.findings import Findings

TEMPLATE = Path(__file__).with_name("report.html.jinja")


def write(folder: Path, found: Findings, explanations: Explanations | None) -> Path:
    """Write the folder, whole or not at all, and return the page in it.

    The page needs no other file, no network and no script.

    Args:
        explanations: they are waited for when all else is drawn.
    """
    with files.whole_folder(folder) as temporary:
        for part in ("tables", "confusion", "pictures"):
            (temporary / part).mkdir()
        for table in found.tables.values():
            table.frame.to_csv(temporary / "tables" / f"{table.name}.csv", index=False)
            markdown = temporary / "tables" / f"{table.name}.md"
            markdown.write_text(table.markdown(), encoding="utf-8")
        for name, matrix in found.matrices.items():
            matrix.to_csv(temporary / "confusion" / f"{name}.csv")
        for picture in found.pictures.values():
            picture.save(temporary / "pictures")
        if found.gallery:
            gallery.sheet("gallery", found.gallery).save(temporary / "pictures")
        explained = explanations.rows(found.problems) if explanations else []
        if explained:
            gallery.sheet("gradcam", explained).save(temporary / "pictures")
        text = templates.template(TEMPLATE).render(
            found=found,
            tables=found.tables,
            pictures=found.pictures,
            photos={"gallery": found.gallery, "gradcam": explained},
            versions=provenance.versions(),
            written=provenance.now(),
            command=shlex.join(["python", "scripts/report.py", *sys.argv[1:]]),
        )
        (temporary / "report.html").write_text(text, encoding="utf-8")
    return folder / "report.html"
