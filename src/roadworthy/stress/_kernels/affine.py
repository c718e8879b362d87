"""Rotation, scale and shear of 8-bit pictures, as Pillow samples them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import cos, radians, sin

import numpy as np
from PIL import Image as Pillow

from roadworthy.types import Image

Inverse = tuple[float, float, float, float, float, float]
"""Source x and y of a target point: x' = m0 x + m1 y + m2, y' = m3 x + m4 y + m5."""


def inverse_affine(
    height: int, width: int, *, angle: float = 0.0, shear: float = 0.0, scale: float = 1.0
) -> Inverse:
    """Return where a picture of (height, width), turned, sheared and scaled, is sampled.

    ``angle`` and ``shear`` are in degrees, ``scale`` is larger than 0. Points are in pixels, pixel
    centres at halves; the fixed point is (width / 2 + 1/2, height / 2 + 1/2), half a pixel beyond
    the middle, as in the torchvision 0.2 that made the published sequences.
    """
    turn, both = radians(angle), radians(angle) + radians(shear)
    # In the order of the published arithmetic, since values on whole levels hang on the last bit.
    factor = 1.0 / scale / (cos(both) * cos(turn) + sin(both) * sin(turn))
    m0, m1, m3, m4 = cos(both) * factor, sin(both) * factor, -sin(turn) * factor, cos(turn) * factor
    x, y = width * 0.5 + 0.5, height * 0.5 + 0.5
    return m0, m1, m0 * -x + m1 * -y + x, m3, m4, m3 * -x + m4 * -y + y


def sampled(image: Image, places: Iterable[Inverse]) -> Iterator[Image]:
    """Yield ``image`` sampled bilinearly at each of ``places``; outside it is black.

    ``image`` is uint8 (H, W, 3); so is what is yielded. Interpolated values are truncated to 8 bits.
    """
    source = Pillow.fromarray(np.ascontiguousarray(image))
    for place in places:
        yield np.array(
            source.transform(
                source.size, Pillow.Transform.AFFINE, place, Pillow.Resampling.BILINEAR
            )
        )
