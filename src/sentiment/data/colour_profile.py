"""The colours that an embedded ICC profile means, as those of sRGB, which every photo is taken for.

Photos of today's phones are in Display P3, others in Adobe RGB or for print in CMYK.
"""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's mode of the pictures that a profile is for, by the colour space in its header."""

DEVICES = ("scnr", "mntr", "prtr", "spac")
"""Classes of profiles that say what a picture's colours are: of an input device, a display, an
output device, a colour space. Others link two of these or name single colours."""

INTENT = ImageCms.Intent.PERCEPTUAL
"""Browsers take it too: it is the table that printers' profiles have for photos. Between displays,
whose profiles have no tables, all intents but absolute ones come to the same."""

ROUNDING = 2
"""Grey levels by which an sRGB profile may move a colour: the usual ones, with curves of 20 to 4096
points, move none by more than 1. Adobe RGB and Display P3 move some colours by over 50."""

MAX_BYTES = 4 * 2**20
"""Largest profile that is used; those of printing conditions are of 0.2 to 3 MB."""

KEPT = 16
"""Profiles whose conversion is kept: making one takes 3 ms, for CMYK 25 ms."""


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert a picture from its profile's colours to sRGB.

    Args:
        image: of mode RGB, L or CMYK.
        profile: the picture's ICC profile, if it has one.

    Returns:
        A new RGB picture; or `image` itself if the profile is that of sRGB, damaged, over
        MAX_BYTES, or for another mode, so that its colours are those of sRGB or taken for them.
    """
    if not profile or len(profile) > MAX_BYTES:
        return image
    conversion = _conversion(profile, image.mode)
    return conversion.apply(image) if conversion else image


@functools.lru_cache(KEPT)
def _conversion(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The conversion of pictures of a mode to sRGB; None if they are to stay as they are.

    Threads may share it: littleCMS only reads it when it converts.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        header = source.profile
        if MODES.get(header.xcolor_space) != mode or header.device_class not in DEVICES:
            return None
        conversion = ImageCms.ImageCmsTransform(source, SRGB, mode, "RGB", INTENT)
    except (OSError, ValueError):  # a damaged profile, which costs no photo
        return None
    colours = _colours(mode)
    before = np.asarray(colours.convert("RGB"), np.int16)
    moved = np.abs(np.asarray(conversion.apply(colours), np.int16) - before).max()
    return conversion if moved > ROUNDING else None


def _colours(mode: str) -> Image.Image:
    """A picture of all colours whose channels are multiples of 17."""
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    colours = np.stack(np.meshgrid(*[levels] * len(mode)), axis=-1)
    return Image.frombytes(mode, (colours.size // len(mode), 1), colours.tobytes())
