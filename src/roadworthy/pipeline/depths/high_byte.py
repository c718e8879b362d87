"""The upper eight bits, as OpenCV and libvips keep them."""

from __future__ import annotations

import numpy as np

from roadworthy.pipeline.colour_stages import Deep, depth
from roadworthy.types import Image


@depth
def high_byte(grey: Deep) -> Image:
    """Return ``grey``, 0 to 65535, (H, W), divided by 256 and rounded down: uint8 (H, W)."""
    result: Image = (grey >> 8).astype(np.uint8)
    return result
