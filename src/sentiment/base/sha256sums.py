"""SHA256SUMS: the checksum of every file of a folder, in the form of sha256sum(1)."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sentiment.base import files
from sentiment.base.errors import UserError

FILE = "SHA256SUMS"


def of(file: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def of_all(paths: Iterable[Path], advance: Callable[[int], None] = lambda count: None) -> list[str]:
    """SHA-256 of many files' contents, hexadecimal; `advance(1)` is called after each file."""
    digests = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for digest in pool.map(of, paths):
            digests.append(digest)
            advance(1)
    return digests


def of_others(folder: Path, known: dict[str, str], *parts: str) -> dict[str, str]:
    """SHA-256 of the files of a folder that are not known yet, by their names.

    Args:
        folder: the folder that names are relative to.
        known: SHA-256 of some files, by name, which are not read.
        parts: folders inside `folder` to look into; all of `folder` if none is given. Hidden
            files do not count.
    """
    paths = (path for part in parts or [""] for path in (folder / part).rglob("[!.]*"))
    names = sorted(str(PurePosixPath(f.relative_to(folder))) for f in paths if f.is_file())
    unknown = [name for name in names if name not in known and name != FILE]
    return dict(zip(unknown, of_all(folder / name for name in unknown), strict=True))


def text(sums: dict[str, str]) -> str:
    """The lines that sha256sum(1) prints for these files, sorted by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))


def write(folder: Path, sums: dict[str, str]) -> None:
    """Write a folder's SHA256SUMS, whole or not at all."""
    with files.whole_file(folder / FILE) as temporary:
        temporary.write_text(text(sums))


@dataclass(frozen=True)
class Sums:
    """Checksums of a folder's files, as its SHA256SUMS lists them."""

    folder: Path
    listed: dict[str, str]
    """SHA-256 by name, relative to the folder."""
    remedy: str
    """Advice for who finds a damaged file, at the end of every message."""

    def checked(self, name: str) -> bytes:
        """Read a file and compare it with its checksum.

        Raises:
            UserError: the file is missing or damaged.
        """
        file = self.folder / name
        try:
            content = file.read_bytes()
        except OSError as error:
            raise UserError(f"{file}: damaged ({error.strerror}); {self.remedy}") from None
        if hashlib.sha256(content).hexdigest() != self.listed.get(name):
            raise UserError(f"{file}: damaged (not as {FILE} lists it); {self.remedy}")
        return content


def read(folder: Path, remedy: str) -> Sums:
    """Read the SHA256SUMS of a folder.

    Args:
        remedy: advice for who finds a damaged file.

    Raises:
        UserError: SHA256SUMS is missing, not of its form, or names a file outside the folder.

    """
    file = folder / FILE
    try:
        *lines, rest = file.read_bytes().decode("ascii").split("\n")
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: damaged ({error}); {remedy}") from None
    listed: dict[str, str] = {}
    for number, line in enumerate(lines + [rest] * bool(rest), 1):
        form = re.fullmatch(r"([0-9a-f]{64})  ([ -~]+)", line)
        if not form or _leads_outside(form[2]) or form[2] in listed:
            raise UserError(
                f'{file}:{number}: damaged (expected "SHA-256  FILE", a file of the folder, '
                f"each once; received {line[:100]!r}); {remedy}"
            )
        listed[form[2]] = form[1]
    return Sums(folder, listed, remedy)


def _leads_outside(name: str) -> bool:
    return PurePosixPath(name).is_absolute() or ".." in name.split("/") or "\\" in name
