"""From float levels to 8 bits, as the benchmark does it: truncated, not rounded."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_NOISE = 1e-4
"""More than the rounding noise of float32 sums in 0..255: whole levels must not fall below."""


def truncated(levels: NDArray[np.float32], *, nudge: float = _NOISE) -> NDArray[np.uint8]:
    """Return ``levels`` (float32, 0 or larger) clipped to 255 and truncated to 8 bits.

    ``nudge`` is added first, in levels, so that a whole level that float32 missed by its rounding
    noise stays that level; it may be negative, and 0 stays 0.
    """
    if nudge < 0:
        # OpenCV takes the absolute value: what is below nothing would come back.
        levels = np.maximum(levels, np.float32(-nudge))
    # OpenCV rounds; half a level less is truncation.
    return np.asarray(cv2.convertScaleAbs(levels, alpha=1.0, beta=nudge - 0.5))
