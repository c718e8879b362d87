"""Sums truncated to 8 bits in OpenCV, which rounds: they are moved down by half a level first."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.types import Image

TRUNCATED = 2.0**-13 - 0.5
"""Add to a sum of 0 or larger that OpenCV then rounds to 8 bits, and it is truncated as published.

The hair above a half keeps whole values, which float32 may give a little low, where they are.
"""


def truncated_mean(image: Image, weight: float, layer: NDArray[np.float32]) -> Image:
    """Return ``weight`` parts of ``image`` and 1 - ``weight`` of ``layer``, truncated to 8 bits.

    ``image`` is uint8 (H, W, 3); ``layer`` is (H, W), the same for all channels, 0 or larger, in
    units of levels; what then exceeds the range is clipped. ``weight`` is 0 to 1.
    """
    mean = cv2.cvtColor(layer, cv2.COLOR_GRAY2BGR)
    cv2.accumulateWeighted(np.ascontiguousarray(image), mean, weight)
    return np.asarray(cv2.convertScaleAbs(mean, alpha=1.0, beta=TRUNCATED))
