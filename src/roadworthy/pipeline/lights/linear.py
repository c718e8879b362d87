"""Light itself, so that a fine pattern of black and white becomes as bright as it looks from afar."""

from __future__ import annotations

import numpy as np

from roadworthy.pipeline.colour_stages import Resize, light
from roadworthy.types import Image

_LEVELS = np.arange(256) / 255
_LIGHT = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)
_OF_LEVEL = _LIGHT.astype(np.float32)


@light
def linear(image: Image, size: tuple[int, int], resize: Resize) -> Image:
    """Return ``image``, uint8 (H, W, 3), resized to ``size`` (H, W) in linear light.

    Levels become light by the curve of sRGB (IEC 61966-2-1), in float32, and levels again after the
    resize; filters that overshoot are cut off at black and white.
    """
    planes = [resize(_OF_LEVEL[image[:, :, c]], size) for c in range(3)]
    lit = np.clip(np.stack(planes, axis=2), 0, 1)
    levels = np.where(lit <= 0.0031308, 12.92 * lit, 1.055 * lit ** (1 / 2.4) - 0.055)
    result: Image = np.rint(255 * levels).astype(np.uint8)
    return result
