"""Text files that people bring, whatever program wrote them: UTF-8 or UTF-16, LF or CRLF."""

import codecs
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sentiment.base.errors import UserError

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encoding by the byte order mark that a file begins with."""

BEGINNING = 4096
"""Bytes in which a zero byte is looked for: UTF-16 without a byte order mark is full of them."""


@contextlib.contextmanager
def opened(file: Path) -> Iterator[TextIO]:
    r"""Open a text file for the block; line ends are left as they are, as module csv wants them.

    Bytes that are not UTF-8 come as surrogates (PEP 383): the names of photos may be of any bytes.

    Raises:
        UserError: the file is UTF-16 without a byte order mark, or something in the block finds
            that it is not of the encoding that its mark says.
    """
    with file.open("rb") as content:
        beginning = content.read(BEGINNING)
    encoding = next((name for mark, name in MARKS.items() if beginning.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in beginning:
        raise UserError(f"{file}:1: UTF-16 without a byte order mark, or no text; save it as UTF-8")
    errors = "strict" if encoding == "utf-16" else "surrogateescape"
    try:
        with file.open(encoding=encoding, errors=errors, newline="") as text:
            yield text
    except UnicodeDecodeError as error:
        raise UserError(f"{file}:1: not whole UTF-16 ({error.reason}); save it as UTF-8") from None
