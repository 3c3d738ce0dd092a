"""A table of a collection's photos: sizes, formats, hashes; photos in it are not read again."""

import contextlib
import csv
import hashlib
import itertools
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentiment.base import files
from sentiment.base.errors import BadImage, UserError
from sentiment.base.progress import progress
from sentiment.data import decode
from sentiment.data.collections.collection import Source

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

LISTED = {"split": "category", "path": "object", "class": "category"}
"""Columns that come from the collection's lists, with their pandas dtypes."""

COLUMNS = LISTED | {
    "bytes": "Int64", "modified": "Int64", "width": "Int64", "height": "Int64",
    "format": "category", "mode": "category", "grey": "boolean",
    "phash": "object", "sha256": "object", "problem": "object",
}  # fmt: skip
"""All columns, with their pandas dtypes. `bytes` of the file and when it was `modified` (ns since
1970) are empty if it is missing. `width` and `height` are pixels as stored, before the EXIF
orientation. `format` and `mode` are Pillow's names. `grey` tells that the channels are equal in
every pixel. `phash` is a perceptual hash of 64 bits, hexadecimal, `sha256` that of the file.
`problem` is why a photo cannot be decoded; then the columns from `width` to `phash` are empty."""

BLOCK = 32
"""Photos that a thread reads, one after the other, before their rows are written."""

ENCODING, ENCODING_ERRORS = "utf-8", "surrogateescape"
"""How the table is written: file names need not be UTF-8."""

LINE_END = "\r\n"
"""What ends a line of the table, as RFC 4180 has it; Python puts quotes around a file name with one
of these two characters only then."""


def names_of_any_bytes() -> contextlib.AbstractContextManager:
    """Let tables hold file names that are not UTF-8 during a block: strings of Arrow must be."""
    import pandas as pd

    return pd.option_context("mode.string_storage", "python")


def load(source: Source, file: Path) -> "pd.DataFrame":
    """Read the table: a row for each listed photo, in the lists' order, empty if it is not known.

    Of several rows of one photo the last counts.

    Raises:
        UserError: the file is damaged.
    """
    import pandas as pd

    try:
        rows = pd.read_csv(
            file, dtype=COLUMNS, keep_default_na=False, na_values=[""],
            encoding=ENCODING, encoding_errors=ENCODING_ERRORS,
        )  # fmt: skip
        if list(rows) != list(COLUMNS):
            raise ValueError(f"its columns are {', '.join(rows)}")
    except ValueError as error:
        raise UserError(f"{file}: damaged ({error}); delete it to read all photos again") from None
    listed = pd.DataFrame(_listed(source), columns=list(LISTED))
    for column, names in {"split": list(source.splits), "class": source.class_names}.items():
        listed[column] = pd.Categorical(listed[column], list(names))
    # A file's own columns do not depend on the list that names it.
    rows = rows.drop(columns=["split", "class"]).drop_duplicates("path", keep="last")
    return listed.merge(rows, how="left", on="path")


def complete(source: Source, file: Path) -> "pd.DataFrame":
    """Read every photo that the table lacks, or that has changed since, and return the table.

    Rows are appended as they come: after a kill the next call goes on behind them.

    Raises:
        UserError: the table is damaged.
        OSError: the disk cannot be read or written.
    """
    from joblib import Parallel, delayed

    _mend(file)
    known = load(source, file)[["bytes", "modified"]].fillna(-1).to_numpy(np.int64)
    if count := int((known[:, 0] >= 0).sum()):
        log.info("  %s of %s photos have been read before", f"{count:,}", f"{len(known):,}")
    photos = zip(_listed(source), known, strict=True)
    # Pillow lets go of Python's lock while it decodes, so threads do, and share memory.
    pool = Parallel(n_jobs=-1, prefer="threads", return_as="generator")
    read, started = 0, time.monotonic()
    blocks = iter(lambda: list(itertools.islice(photos, BLOCK)), [])
    with (
        file.open("a", newline="", encoding=ENCODING, errors=ENCODING_ERRORS) as lines,
        progress("photos", len(known)) as advance,
    ):
        writer = csv.writer(lines, lineterminator=LINE_END)
        for rows in pool(delayed(_rows)(source.root, block) for block in blocks):
            writer.writerows(filter(None, rows))
            lines.flush()
            read += len(rows) - rows.count(None)
            advance(len(rows))
    log.info("  read %s photos in %.0f s", f"{read:,}", time.monotonic() - started)
    table = load(source, file)
    write(table, file)  # without rows that are out of date
    return table


def write(table: "pd.DataFrame", file: Path) -> None:
    """Write a table of photos as CSV, whole or not at all."""
    with files.whole_file(file) as temporary:
        table.to_csv(
            temporary, index=False, lineterminator=LINE_END,
            encoding=ENCODING, errors=ENCODING_ERRORS,
        )  # fmt: skip


def _listed(source: Source) -> Iterator[tuple[str, str, str]]:
    """Split, path and class of each photo."""
    for split, photos in source.splits.items():
        for photo in photos:
            yield split, photo.path, source.class_names[photo.label]


def _mend(file: Path) -> None:
    """Cut off a last line that a killed process left unfinished; make the file if it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    content = file.read_bytes()
    end = content.rfind(b"\n") + 1
    while content.count(b'"', 0, end) % 2:  # that is a line of a name in quotes
        end = content.rfind(b"\n", 0, end - 1) + 1
    os.truncate(file, end)
    if not end:
        file.write_text(",".join(COLUMNS) + LINE_END, newline="")


def _rows(root: Path, photos: list[tuple[tuple[str, str, str], np.ndarray]]) -> list[tuple | None]:
    """The photos' rows; None for a photo whose size and time are those known."""
    return [_row(root, listed, tuple(known)) for listed, known in photos]


def _row(root: Path, listed: tuple[str, str, str], known: tuple[int, int]) -> tuple | None:
    """A photo's row; None if its size and time are those known."""
    import imagehash  # SciPy, which --help does without

    path = root / listed[1]
    stamp: tuple[int | str, int | str] = ("", "")
    picture: tuple = ("",) * 6
    checksum = problem = ""
    with contextlib.suppress(OSError):  # reading it below tells what is wrong
        status = path.stat()
        stamp = status.st_size, status.st_mtime_ns
    if stamp == known:
        return None
    try:
        content = decode.read(path)
        checksum = hashlib.sha256(content).hexdigest()
        image = decode.unpack(content)
        pixels = np.asarray(image)
        # A few pixels show that most photos are coloured.
        grey = all((part == part[..., :1]).all() for part in (pixels[::16, ::16], pixels))
        # Unpacked, it may be reduced, and is RGB.
        with decode.opened(content, decode.MAX_PIXELS) as header:
            stored = *header.size, header.format, header.mode
        small = image.convert("L").resize((64, 64), reducing_gap=2)  # 4 times as fast as from full
        picture = (*stored, grey, str(imagehash.phash(small)))
    except BadImage as bad:
        problem = " ".join(str(bad).split())
    return (*listed, *stamp, *picture, checksum, problem)
