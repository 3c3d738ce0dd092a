"""Templates of pages and texts, which stand beside the code that fills them."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def template(file: Path) -> "jinja2.Template":
    """Load a template; what is put into one of `.html.jinja` is escaped, a missing name raises."""
    import jinja2  # not needed for --help

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(file.parent),
        autoescape=file.name.endswith(".html.jinja"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(file.name)
