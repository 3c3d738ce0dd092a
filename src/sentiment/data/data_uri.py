"""A picture as a part of a page that needs no other file."""

import base64
import io

from PIL import Image


def jpeg(image: Image.Image, quality: int = 85) -> str:
    """A picture as a JPEG, in a data URI.

    Args:
        quality: Pillow's, from 0 to 95.
    """
    box = io.BytesIO()
    image.save(box, format="JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(box.getvalue()).decode()
