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


def with_layer(image: Image, weight: float, layer: NDArray[np.float32]) -> Image:
    """Return ``weight`` times ``image``, uint8 (H, W, 3), plus ``layer``, clipped and truncated.

    ``layer`` is (H, W), 0 or larger, in units of levels, and the same for all channels.
    """
    layers = cv2.cvtColor(layer, cv2.COLOR_GRAY2BGR)
    image = np.ascontiguousarray(image)
    return np.asarray(cv2.addWeighted(image, weight, layers, 1.0, TRUNCATED, dtype=cv2.CV_8U))
