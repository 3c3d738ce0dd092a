"""Files that lie among photos and are none: left by systems, or put there by people."""

from functools import cache
from pathlib import Path

from PIL import Image

from sentiment.base.errors import BadImage
from sentiment.data import decode

LEFT_BEHIND = {
    "__macosx", "icon\r",
    "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information",
    "@eadir", "lost+found",
}  # fmt: skip
"""Names, in lower case, of what macOS, Windows, network drives and Linux leave in folders; hidden
files, such as .DS_Store, ._photo.jpg and .ipynb_checkpoints, begin with a dot."""


def is_left_behind(name: str) -> bool:
    """Whether a file or folder of this name was left by a system, not put there by a person."""
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def is_photo(file: Path) -> bool:
    """Whether a file is a photo by its name, or else by its content.

    A damaged photo with a photo's name is one: decoding it tells what is wrong.
    """
    if file.suffix.lower() in _photo_suffixes():
        return True
    try:
        with decode.opened(decode.read(file), decode.MAX_PIXELS):
            return True
    except BadImage:
        return False


@cache
def _photo_suffixes() -> frozenset[str]:
    """Endings of the names of photos: of the formats that are read, and of some that are not."""
    known = Image.registered_extensions().items()
    return frozenset(
        {suffix for suffix, name in known if name in (*decode.FORMATS, "TIFF", "JPEG2000")}
        | {*decode.HEIF_SUFFIXES}
    )
