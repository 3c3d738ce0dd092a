"""What a photo's headers say, held against the limits before anything is unpacked."""

import re
from collections import Counter
from collections.abc import Iterator

from PIL import ExifTags, Image

from sentiment.base.errors import BadImage
from sentiment.data.decode import opened
from sentiment.service.limits import Limits

MAX_SCANS = 100
"""Scans of a progressive JPEG. A dozen is usual; each goes over the whole picture, and a few bytes
of the file can hold one."""

FREE_PIECES, BYTES_A_PIECE = 10_000, 128
"""A file may have FREE_PIECES and one more for each BYTES_A_PIECE bytes; an ordinary GIF has one
for 256 bytes. Pillow reads pieces one by one, so that a file of nothing else would keep it busy for
seconds."""


def check(content: bytes, limits: Limits) -> tuple[int, int]:
    """Check a photo against the limits without decoding it.

    Returns:
        Width and height in pixels, turned as the EXIF orientation says.

    Raises:
        BadImage: the bytes are no picture of a known format, or beyond a limit.
    """
    _check_pieces(content, limits)
    with opened(content, limits.max_pixels) as image:
        width, height = image.size
        # Pillow would unpack every frame of a GIF to count them; _check_pieces has counted.
        frames = getattr(image, "n_frames", 1) if image.format != "GIF" else 1
        sideways = _exif(image).get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    if frames > limits.max_frames:
        raise BadImage("beyond-limits", f"more than {limits.max_frames:,} frames")
    return (height, width) if sideways else (width, height)


def _exif(image: Image.Image) -> Image.Exif:
    """EXIF data of a picture, without its pixels being unpacked."""
    if image.format != "PNG":
        return image.getexif()
    exif = Image.Exif()  # getexif() would unpack a PNG to look for EXIF data behind its pixels
    if "exif" in image.info:
        exif.load(image.info["exif"])
    return exif


def _check_pieces(content: bytes, limits: Limits) -> None:
    """Count a file's pieces, and stop where there are too many.

    Raises:
        BadImage: there are too many scans, frames or other pieces.
    """
    most_pieces = FREE_PIECES + len(content) // BYTES_A_PIECE
    counts: Counter[str] = Counter()
    most = {"scans": MAX_SCANS, "frames": limits.max_frames, "pieces": most_pieces}
    for magic, walk in WALKS.items():
        if content.startswith(magic):
            for kind, count in walk(content):
                counts[kind] += count
                if counts[kind] > most[kind]:
                    raise BadImage("beyond-limits", f"more than {most[kind]:,} {kind}")


def _jpeg(content: bytes) -> Iterator[tuple[str, int]]:
    marker = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # 00 and D0 to D7 stand inside scans
    place, scans = 2, 0
    while (at := marker.search(content, place)) and content[at.end() - 1] != 0xD9:
        yield "pieces", 1 + (0 if scans else at.start() - place)  # filling is read byte by byte
        if content[at.end() - 1] == 0xDA:
            scans += 1
            yield "scans", 1
        place = at.end() + int.from_bytes(content[at.end() : at.end() + 2], "big")


def _png(content: bytes) -> Iterator[tuple[str, int]]:
    place = 8
    while place < len(content):
        yield "pieces", 1
        place += 12 + int.from_bytes(content[place : place + 4], "big")


def _gif(content: bytes) -> Iterator[tuple[str, int]]:
    place = 13 + _colours(content[10:11])
    while place < len(content):
        kind = content[place]
        if kind == 0x2C:  # a frame: its place and size, flags, colours, and a byte of its own
            yield "frames", 1
            place += 11 + _colours(content[place + 9 : place + 10])
        elif kind == 0x21:  # an extension and its kind
            place += 2
        else:  # the end, or damage
            return
        while place < len(content) and content[place]:
            yield "pieces", 1
            place += 1 + content[place]
        yield "pieces", 1
        place += 1


def _colours(flags: bytes) -> int:
    """Bytes of the colour table that a GIF's flags announce."""
    return 3 << (flags[0] % 8 + 1) if flags and flags[0] & 0x80 else 0


WALKS = {b"\xff\xd8": _jpeg, b"\x89PNG": _png, b"GIF8": _gif}
"""What goes through a format's pieces, by the bytes that its files start with. Each yields the kind
of the next pieces and their number. WebP, AVIF and HEIF need none: they are read in C."""
