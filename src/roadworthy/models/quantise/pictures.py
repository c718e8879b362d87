"""Pictures to calibrate on that come with the package: drawn, always the same."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from roadworthy.seed import rng_for
from roadworthy.types import Image

SIDE = 256
LEAVES = 1500
SMALLEST, LARGEST = 2.0, 0.6 * SIDE
VERSION = 1


def leaves(count: int) -> list[Image]:
    """Return ``count`` pictures, uint8 (256, 256, 3), of coloured discs that cover each other.

    With as many discs of a radius as fall by its third power, such "dead leaves" have edges,
    occlusions and a spectrum like photographs have (Lee, Mumford & Huang, IJCV 2001), and ranges of
    activations come out much alike.
    """
    return [_picture(number) for number in range(count)]


@lru_cache(maxsize=256)
def _picture(number: int) -> Image:
    rng = rng_for(0, "dead leaves", VERSION, str(number), "")
    # Radii by inversion of a distribution that falls as r ** -3 between the two ends.
    near, far = SMALLEST**-2, LARGEST**-2
    radii = (far + rng.random(LEAVES) * (near - far)) ** -0.5
    centres = rng.uniform(-0.1, 1.1, (LEAVES, 2)) * SIDE
    greys = rng.random((LEAVES, 1)) + 0.25 * rng.standard_normal((LEAVES, 3))
    colours = (255 * greys.clip(0, 1)).astype(int).tolist()
    places, sizes = centres.astype(int).tolist(), radii.astype(int).tolist()
    picture = np.full((SIDE, SIDE, 3), 127, np.uint8)
    for place, size, colour in zip(places, sizes, colours, strict=True):
        cv2.circle(picture, place, size, colour, thickness=-1)
    picture.flags.writeable = False
    return picture
