"""One photo's bytes become the pixels that every network sees.

Preparation and serving decode with this code and no other.
"""

import contextlib
import errno
import io
import math
import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from sentiment.base.errors import BadImage
from sentiment.data import colour_profile
from sentiment.data.image_size import SIDE

FORMATS: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
"""Formats that are decoded, also HEIF if pi-heif is installed; a file's content decides, not its
name."""

try:
    from pi_heif import register_heif_opener
except ImportError:  # it need not be installed
    pass
else:
    register_heif_opener()
    FORMATS += ("HEIF",)

AVIF = (b"ftypavif", b"ftypavis")
HEIF = tuple(b"ftyp" + kind for kind in (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"))
"""How files of these formats go on after their first four bytes."""

REDUCED_SIDE = 300
"""Least pixels of a side after JPEG's own scaled decoding, where SIDE are wanted; in proportion for
other sizes. It saves two fifths of the time on files of B-T4SA's sizes and changes the result by
0.4 grey levels on average."""

MAX_BYTES = 64 * 2**20
"""Largest file that is read; B-T4SA's photos are at most a few MB."""

MAX_PIXELS = 89_478_485
"""Largest picture that is unpacked: Pillow's own limit, a quarter of a GiB of RGB."""

NO_SUCH_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""Errors of the system that say that a path leads to nothing."""

NO_REGULAR_FILE = {
    errno.EISDIR: "a folder, not a file",
    errno.ENXIO: "no regular file",  # a socket
    errno.ENODEV: "no regular file",
}
"""What a path leads to, by the error of the system when it is opened."""

# Pillow warns of a picture over its limit and refuses one over twice the limit; here both are
# refused.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


HEIF_SUFFIXES = (".heic", ".heif", ".hif")
"""Endings of the names of HEIC photos."""


def decode_file(path: Path, side: int = SIDE) -> np.ndarray:
    """Read one photo's file and decode it to uint8 RGB (side, side, 3).

    Raises:
        BadImage: the file is missing, too large, or no whole picture of a known format.
        OSError: the disk or the folder cannot be read, which is no photo's fault.
    """
    return decode(read(path), side)


def read(path: Path) -> bytes:
    """Read one photo's file.

    Raises:
        BadImage: the file is missing, too large, or no regular file but a folder, pipe or device.
        OSError: the disk or the folder cannot be read, which is no photo's fault.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadImage("not-an-image", "no regular file")
            if status.st_size > MAX_BYTES:
                size = f"{status.st_size:,} bytes"
                raise BadImage("beyond-limits", f"{size}; at most {MAX_BYTES:,} are read")
            return file.read()
    except OSError as error:
        if error.errno in NO_SUCH_FILE:
            raise BadImage("missing", "no such file") from None
        if error.errno in NO_REGULAR_FILE:
            raise BadImage("not-an-image", NO_REGULAR_FILE[error.errno]) from None
        raise


def _open_at_once(path: str, flags: int) -> int:
    """Open a file for `open`, and do not wait for somebody to write into it if it is a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def decode(content: bytes, side: int = SIDE) -> np.ndarray:
    """Decode one photo and squish it to a network's size (the aspect ratio is not kept).

    Returns:
        uint8 array of shape (side, side, 3), RGB.

    Raises:
        BadImage: the bytes are no whole picture of a known format, or of too many pixels.
    """
    return np.asarray(unpack(content, side).resize((side, side), Image.Resampling.BILINEAR))


def unpack(content: bytes, side: int = SIDE) -> Image.Image:
    """Decode one photo as it is to be seen, in sRGB.

    The first frame is taken, its EXIF orientation honoured, transparency laid on white, every
    colour mode turned into RGB, and the colours of an embedded ICC profile into those of sRGB.
    A large JPEG comes reduced, as REDUCED_SIDE says.

    Raises:
        BadImage: the bytes are no whole picture of a known format, or of too many pixels.
    """
    with opened(content, MAX_PIXELS) as image:
        least = math.ceil(side * REDUCED_SIDE / SIDE)
        image.draft(None, (least, least))
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
        raise _unidentified(content) from None
    except Image.DecompressionBombError:
        raise BadImage("beyond-limits", f"more than {max_pixels:,} pixels") from None
    except Exception as error:  # a decoder given damaged bytes may raise anything
        raise BadImage("damaged", f"damaged: {error or type(error).__name__}") from None


def _unidentified(content: bytes) -> BadImage:
    """Why a file that Pillow takes for none of FORMATS is not read."""
    if content.startswith(HEIF, 4) and "HEIF" not in FORMATS:
        return BadImage("not-an-image", "a HEIC photo; to read such photos, pip install pi-heif")
    if content.startswith(AVIF + HEIF, 4):
        return BadImage("damaged", "damaged: its header is not whole")
    return BadImage("not-an-image", f"not an image ({', '.join(FORMATS)} are read)")


def _rgb(image: Image.Image) -> Image.Image:
    """Turn a picture of any colour mode into sRGB, transparency laid on white."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip
        levels = np.asarray(image)
        grey = (levels >> 8).clip(0, 255).astype(np.uint8)
        grey[levels == image.info.get("transparency")] = 255
        image = Image.fromarray(grey)
    alpha, mode = None, image.mode
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    if image.mode not in colour_profile.MODES.values():
        image = image.convert("L" if Image.getmodebase(mode) == "L" else "RGB")
    image = colour_profile.to_srgb(image, profile)
    if image.mode != "RGB":
        image = image.convert("RGB")
    if alpha is None:
        return image
    image.putalpha(alpha)
    sheet = Image.new("RGBA", image.size, "white")
    sheet.alpha_composite(image)
    return sheet.convert("RGB")
