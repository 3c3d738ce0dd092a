"""What a photo's headers say, held against the limits before anything is unpacked."""

import io
import re
from collections.abc import Iterator

from PIL import ExifTags, Image

from sentiment.base.errors import BadImage
from sentiment.data.decode import FORMATS
from sentiment.service.limits import Limits

MAX_SCANS = 100
"""Of a progressive JPEG. A dozen is usual; each goes over the whole picture, at a few bytes."""

FREE_PIECES, BYTES_A_PIECE = 10_000, 128
"""A file may have so many pieces, and one more for so many bytes: a GIF has one for 256. Pillow
reads them one by one, so that a file of nothing but pieces would keep it busy for seconds."""


def check(content: bytes, limits: Limits) -> tuple[int, int]:
    """Check a photo against the limits without decoding it.

    Returns:
        Width and height in pixels, as the photo is to be seen.

    Raises:
        BadImage: it is no picture of a known format, or beyond a limit.
    """
    if not content:
        raise BadImage("the file is empty")
    _check_pieces(content, limits)
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
            if width * height > limits.max_pixels:
                raise Image.DecompressionBombError
            # Of a GIF Pillow would unpack each; they are counted above.
            frames = getattr(image, "n_frames", 1) if image.format != "GIF" else 1
            # PNG would unpack the picture to look for EXIF data behind it.
            exif = Image.Exif() if image.format == "PNG" else image.getexif()
            if image.format == "PNG" and "exif" in image.info:
                exif.load(image.info["exif"])
            sideways = exif.get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    except Image.UnidentifiedImageError:
        raise BadImage(f"not an image ({', '.join(FORMATS)} are read)") from None
    except Image.DecompressionBombError:
        raise BadImage(f"more than {limits.max_pixels:,} pixels") from None
    except Exception as error:  # a decoder given damaged bytes may raise anything
        raise BadImage(f"damaged: {error or type(error).__name__}") from None
    if frames > limits.max_frames:
        raise BadImage(f"more than {limits.max_frames:,} frames")
    return (height, width) if sideways else (width, height)


def _check_pieces(content: bytes, limits: Limits) -> None:
    """Go from piece to piece of a file, as far as it may have any."""
    most_pieces = FREE_PIECES + len(content) // BYTES_A_PIECE
    found: dict[str, int] = {}
    most = {"scans": MAX_SCANS, "frames": limits.max_frames, "pieces": most_pieces}
    for magic, walk in WALKS.items():
        if content.startswith(magic):
            for kind, count in walk(content):
                found[kind] = found.get(kind, 0) + count
                if found[kind] > most[kind]:
                    raise BadImage(f"more than {most[kind]:,} {kind}")


def _jpeg(content: bytes) -> Iterator[tuple[str, int]]:
    marker = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # the others stand inside of scans
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
"""By how a file starts: yields kinds of pieces and how many more there are. WebP is read in C."""
