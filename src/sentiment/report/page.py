"""Writes the report: one page that holds everything, and each table and picture as files."""

import shlex
import sys
from pathlib import Path

import jinja2

from sentiment.base import files, provenance
from sentiment.report import gallery
from sentiment.report.findings import Findings

TEMPLATE = "report.html.jinja"


def write(folder: Path, found: Findings) -> Path:
    """Write the folder, whole or not at all, and return the page in it.

    The page needs no other file, no network and no script.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
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
        for name, rows in found.photos.items():
            gallery.sheet(name, rows).save(temporary / "pictures")
        text = environment.get_template(TEMPLATE).render(
            found=found,
            tables=found.tables,
            pictures=found.pictures,
            photos=found.photos,
            versions=provenance.versions(),
            written=provenance.now(),
            command=shlex.join(["python", "scripts/report.py", *sys.argv[1:]]),
        )
        (temporary / "report.html").write_text(text, encoding="utf-8")
    return folder / "report.html"
