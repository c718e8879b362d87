"""OpenCV's formula, which rounds down."""

from __future__ import annotations

import numpy as np

from roadworthy.pipeline.colour_stages import Inks, cmyk
from roadworthy.types import Image


@cmyk
def opencv(inks: Inks, icc: bytes) -> Image:
    """Return ``inks``, uint8 (H, W, 4), as RGB: W - floor(C W / 256) where W = 255 - K is left white.

    Paper stays white and full ink keeps a level of grey. A profile is not looked at.
    """
    del icc
    covered, left = inks[:, :, :3].astype(np.uint16), 255 - inks[:, :, 3:].astype(np.uint16)
    result: Image = (left - (covered * left >> 8)).astype(np.uint8)
    return result
