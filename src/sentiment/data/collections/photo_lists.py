"""Lists of photos, a line each: `PATH LABEL`."""

from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.data import text_lines
from sentiment.data.collections.collection import inside


def read(file: Path) -> list[tuple[str, str, str]]:
    """Read a list of lines such as `data/7/7-1.jpg 2`.

    Path and label are divided by the last tab or comma if every line has one and no dot behind it,
    as a photo's name has, and else by the last blank.

    Returns:
        Where each line stands, for messages, its path and its label.

    Raises:
        UserError: the list is missing or empty, or a line, which is named, is of another form.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such list; --source is the folder that holds it")
    with text_lines.opened(file) as text:
        lines = {number: line.strip() for number, line in enumerate(text, 1)}
    lines = {number: line for number, line in lines.items() if line}
    if not lines:
        raise UserError(f"{file}: no photo is listed; expected lines such as data/7/7-1.jpg 2")
    delimiter = next((d for d in "\t," if all(_divides(d, line) for line in lines.values())), " ")
    photos: dict[str, tuple[str, str]] = {}
    for number, line in lines.items():
        where = f"{file}:{number}"
        path, _, label = map(str.strip, line.rpartition(delimiter))
        if not path or not label:
            raise UserError(f'{where}: expected "PATH LABEL"; received {line[:80]!r}')
        if path in photos:
            raise UserError(f"{where}: {path} is listed twice; expected each photo once")
        photos[inside(path, where)] = where, label
    return [(where, path, label) for path, (where, label) in photos.items()]


def _divides(delimiter: str, line: str) -> bool:
    """Whether a line has the delimiter, and a label behind it."""
    _, found, label = line.rpartition(delimiter)
    return bool(found) and "." not in label


def read_coded(file: Path, classes: int) -> list[tuple[str, int]]:
    """Read a list whose labels are codes from 0 to `classes` - 1: each photo's path and label.

    Raises:
        UserError: as `read` does, or a label is no such code.
    """
    photos = []
    for where, path, label in read(file):
        if label not in map(str, range(classes)):
            raise UserError(f"{where}: label {label[:80]!r}; expected 0 to {classes - 1}")
        photos.append((path, int(label)))
    return photos
