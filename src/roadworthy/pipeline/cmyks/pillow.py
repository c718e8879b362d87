"""Pillow's plain formula, which torchvision shares."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from roadworthy.pipeline.colour_stages import Inks, cmyk
from roadworthy.types import Image


@cmyk
def pillow(inks: Inks, icc: bytes) -> Image:
    """Return ``inks``, uint8 (H, W, 4), as RGB: each of C, M and Y on what black leaves.

    (255 - C)(255 - K) / 255, rounded; a profile is not looked at.
    """
    del icc
    return np.asarray(PillowImage.fromarray(inks, "CMYK").convert("RGB"))
