"""One photo's bytes become the pixels that every network sees.

Preparation and serving decode with this code and no other.
"""

import contextlib
import errno
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from sentiment.base.errors import BadImage

SIDE = 224
"""Width and height of a stored image, in pixels."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""Formats that are decoded; a file's content decides, not its name."""

REDUCED_SIDE = 300
"""Least pixels of a side after JPEG's own scaled decoding, which saves two fifths of the time on
files of B-T4SA's sizes and changes the result by 0.4 grey levels on average."""

MAX_BYTES = 64 * 2**20
"""Largest file that is read; B-T4SA's photos are at most a few MB."""

MAX_PIXELS = 89_478_485
"""Largest picture that is unpacked: Pillow's own limit, a quarter of a GiB of RGB."""

NO_SUCH_FILE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""Errors of the system that say that a path leads to no file."""

# Pillow warns of a picture over its limit and refuses one over twice the limit; here both are
# refused.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode_file(path: Path) -> np.ndarray:
    """Read one photo's file and decode it to uint8 RGB (SIDE, SIDE, 3).

    Raises:
        BadImage: the file is missing, too large, or no whole picture of a known format.
        OSError: the disk or the folder cannot be read, which is no photo's fault.
    """
    return decode(read(path))


def read(path: Path) -> bytes:
    """Read one photo's file.

    Raises:
        BadImage: the file is missing or too large.
        OSError: the disk or the folder cannot be read, which is no photo's fault.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadImage("beyond-limits", f"{size:,} bytes; at most {MAX_BYTES:,} are read")
        return path.read_bytes()
    except OSError as error:
        if error.errno not in NO_SUCH_FILE:
            raise
        raise BadImage("missing", "no such file") from None


def decode(content: bytes) -> np.ndarray:
    """Decode one photo and squish it to the networks' size (the aspect ratio is not kept).

    Returns:
        uint8 array of shape (SIDE, SIDE, 3), RGB.

    Raises:
        BadImage: the bytes are no whole picture of a known format, or of too many pixels.
    """
    return np.asarray(unpack(content).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def unpack(content: bytes) -> Image.Image:
    """Decode one photo as it is to be seen, in RGB.

    The first frame is taken, its EXIF orientation honoured, transparency laid on white,
    every colour mode turned into RGB. A large JPEG comes reduced, to REDUCED_SIDE or more.

    Raises:
        BadImage: the bytes are no whole picture of a known format, or of too many pixels.
    """
    with opened(content, MAX_PIXELS) as image:
        image.draft(None, (REDUCED_SIDE, REDUCED_SIDE))
        image.load()  # damaged pixels raise here, and not in the next block, which hides errors
        with contextlib.suppress(Exception):  # damaged EXIF costs no photo
            ImageOps.exif_transpose(image, in_place=True)
        return _rgb(image)


@contextlib.contextmanager
def opened(content: bytes, max_pixels: int) -> Iterator[Image.Image]:
    """Open one photo for the block, its pixels not yet decoded.

    Raises:
        BadImage: the bytes are no picture of a known format, or of too many pixels, or something
            in the block finds them damaged.
    """
    if not content:
        raise BadImage("empty", "the file is empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise Image.DecompressionBombError
            yield image
    except Image.UnidentifiedImageError:
        raise BadImage("not-an-image", f"not an image ({', '.join(FORMATS)} are read)") from None
    except Image.DecompressionBombError:
        raise BadImage("beyond-limits", f"more than {max_pixels:,} pixels") from None
    except Exception as error:  # a decoder given damaged bytes may raise anything
        raise BadImage("damaged", f"damaged: {error or type(error).__name__}") from None


def _rgb(image: Image.Image) -> Image.Image:
    """Turn a picture of any colour mode into RGB, transparency laid on white."""
    if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip
        levels = np.asarray(image)
        grey = (levels >> 8).clip(0, 255).astype(np.uint8)
        grey[levels == image.info.get("transparency")] = 255
        image = Image.fromarray(grey)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    return image if image.mode == "RGB" else image.convert("RGB")
