"""What a photo's headers say, held against the limits before anything is unpacked."""

import io

from PIL import ExifTags, Image

from sentiment.decode import FORMATS
from sentiment.errors import BadImage
from sentiment.service.limits import Limits

MAX_SCANS = 100
"""Of a progressive JPEG. A dozen is usual; each goes over the whole picture, at a few bytes."""


def check(content: bytes, limits: Limits) -> tuple[int, int]:
    """Check a photo against the limits without decoding it.

    Returns:
        Width and height in pixels, as the photo is to be seen.

    Raises:
        BadImage: it is no picture of a known format, or beyond a limit.
    """
    if not content:
        raise BadImage("the file is empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
            if width * height > limits.max_pixels:
                raise Image.DecompressionBombError
            frames = getattr(image, "n_frames", 1) if image.format != "GIF" else 1
            # PNG would unpack the picture to look for EXIF data behind it.
            exif = Image.Exif() if image.format == "PNG" else image.getexif()
            if image.format == "PNG" and "exif" in image.info:
                exif.load(image.info["exif"])
            sideways = exif.get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
            form = image.format
    except Image.UnidentifiedImageError:
        raise BadImage(f"not an image ({', '.join(FORMATS)} are read)") from None
    except Image.DecompressionBombError:
        raise BadImage(f"more than {limits.max_pixels:,} pixels") from None
    except Exception as error:  # a decoder given damaged bytes may raise anything
        raise BadImage(f"damaged: {error or type(error).__name__}") from None
    if form == "GIF":
        frames = gif_frames(content, limits.max_frames + 1)
    if frames > limits.max_frames:
        raise BadImage(f"more than {limits.max_frames:,} frames")
    if form == "JPEG" and content.count(b"\xff\xda") > MAX_SCANS:
        raise BadImage(f"more than {MAX_SCANS} scans")
    return (height, width) if sideways else (width, height)


def gif_frames(content: bytes, most: int) -> int:
    """Count a GIF's frames, `most` at most, by its blocks; Pillow would unpack each."""
    frames, place = 0, 13 + _colours(content[10:11])
    while frames < most and place < len(content):
        kind = content[place]
        if kind == 0x2C:  # a frame: place and size, flags, colours, smallest code's size
            frames += 1
            place += 11 + _colours(content[place + 9 : place + 10])
        elif kind == 0x21:  # an extension and its kind
            place += 2
        else:  # the end, or damage
            break
        while place < len(content) and content[place]:
            place += 1 + content[place]
        place += 1
    return frames


def _colours(flags: bytes) -> int:
    """Bytes of the colour table that a GIF's flags announce."""
    return 3 << (flags[0] % 8 + 1) if flags and flags[0] & 0x80 else 0
