"""Sums truncated to 8 bits in OpenCV, which rounds: they are moved down by half a level first."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.types import Image

_NOISE = 2.0**-13
"""More than the rounding noise of float32 sums in 0..255: whole levels must not fall below."""

TRUNCATED = _NOISE - 0.5
"""Add to a sum of 0 or larger that OpenCV then rounds to 8 bits, and it is truncated as published.

The hair above a half keeps whole values, which float32 may give a little low, where they are.
"""


def truncated(levels: NDArray[np.float32], *, nudge: float = _NOISE) -> NDArray[np.uint8]:
    """Return ``levels`` (float32, 0 or larger) clipped to 255 and truncated to 8 bits.

    ``nudge`` is added first, in levels, so that a whole level that float32 missed by its rounding
    noise stays that level; it may be negative, and 0 stays 0.
    """
    if nudge < 0:
        # OpenCV takes the absolute value: what is below nothing would come back.
        levels = np.maximum(levels, np.float32(-nudge))
    return np.asarray(cv2.convertScaleAbs(levels, alpha=1.0, beta=nudge - 0.5))


def truncated_mean(image: Image, weight: float, layer: NDArray[np.float32]) -> Image:
    """Return ``weight`` parts of ``image`` and 1 - ``weight`` of ``layer``, truncated to 8 bits.

    ``image`` is uint8 (H, W, 3); ``layer`` is (H, W), the same for all channels, 0 or larger, in
    units of levels; what then exceeds the range is clipped. ``weight`` is 0 to 1.
    """
    mean = cv2.cvtColor(layer, cv2.COLOR_GRAY2BGR)
    cv2.accumulateWeighted(np.ascontiguousarray(image), mean, weight)
    return np.asarray(cv2.convertScaleAbs(mean, alpha=1.0, beta=TRUNCATED))
