"""The page: what every filter did, how sure the teacher was, and how far its labels can be trusted.

It needs no other file, no network and no script.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from sentiment.base import files

TEMPLATE = "cross_media.html.jinja"


def write(file: Path, found: Mapping[str, Any]) -> None:
    """Write the page, whole or not at all; `found` holds what the template names."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(TEMPLATE).render(found)
    with files.whole_file(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
