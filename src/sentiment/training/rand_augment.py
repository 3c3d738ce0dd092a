"""RandAugment (Cubuk et al., 2020): two changes of each photo, drawn from fourteen.

Keras' layer of that name (3.15) draws two changes for a whole batch, by default turns photos by up
to half a circle, shifts them in one direction only, and solarises most of their pixels.
"""

from collections.abc import Callable
from math import ceil

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from sentiment.model.recipe import Recipe

CHANGES_A_PHOTO = 2
"""The paper's N for ResNet-50 on ImageNet (section 4.4)."""

STRENGTH = 9 / 30
"""Its M of 9, of 30 at most. What the most is has no place in the paper; these are torchvision's
values: a shear by 0.3, 150/331 of a side, 30 degrees, colours by 0.9, all pixels solarised."""

Change = Callable[[Image.Image, int], Image.Image]
"""From a photo and a direction, 1 or -1, to the changed photo."""


def _shifted(image: Image.Image, *matrix: float) -> Image.Image:
    """Move pixels by an affine map from places after to places before; others are black."""
    return image.transform(image.size, Image.Transform.AFFINE, matrix)


def _enhanced(enhancement: Callable[[Image.Image], ImageEnhance._Enhance]) -> Change:
    """More or less of a property of the photo, 1 being as it is."""
    return lambda image, sign: enhancement(image).enhance(1 + sign * 0.9 * STRENGTH)


def _translation(image: Image.Image, sign: int) -> int:
    return sign * int(150 / 331 * STRENGTH * image.width)


CHANGES: dict[str, Change] = {
    "identity": lambda image, sign: image,
    "shear x": lambda image, sign: _shifted(image, 1, sign * 0.3 * STRENGTH, 0, 0, 1, 0),
    "shear y": lambda image, sign: _shifted(image, 1, 0, 0, sign * 0.3 * STRENGTH, 1, 0),
    "translate x": lambda image, sign: _shifted(image, 1, 0, _translation(image, sign), 0, 1, 0),
    "translate y": lambda image, sign: _shifted(image, 1, 0, 0, 0, 1, _translation(image, sign)),
    "rotate": lambda image, sign: image.rotate(sign * 30 * STRENGTH),
    "brightness": _enhanced(ImageEnhance.Brightness),
    "color": _enhanced(ImageEnhance.Color),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "sharpness": _enhanced(ImageEnhance.Sharpness),
    "posterize": lambda image, sign: ImageOps.posterize(image, 8 - round(4 * STRENGTH)),
    "solarize": lambda image, sign: ImageOps.solarize(image, ceil(255 * (1 - STRENGTH))),
    "autocontrast": lambda image, sign: ImageOps.autocontrast(image),
    "equalize": lambda image, sign: ImageOps.equalize(image),
}
"""The paper's changes."""


def change(recipe: Recipe) -> Callable[[np.ndarray, int, int], None] | None:
    """What changes a photo, uint8 (height, width, 3), in place, given its epoch and row.

    Returns:
        None if photos are left as they are.
    """
    if "randaugment" not in recipe.augmentation:
        return None
    changes = list(CHANGES.values())

    def changed(photo: np.ndarray, epoch: int, row: int) -> None:
        random = np.random.default_rng([recipe.seed, epoch, row, 2])
        image = Image.fromarray(photo)
        for number in random.integers(len(changes), size=CHANGES_A_PHOTO):
            image = changes[number](image, int(random.choice([-1, 1])))
        photo[:] = image

    return changed
