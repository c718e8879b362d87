"""Luma in all three channels."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from roadworthy.pipeline.stages import colour
from roadworthy.types import Image


@colour
def grey(image: Image) -> Image:
    """Return the BT.601 luma of ``image``, uint8 (H, W, 3), as Pillow's ``convert("L")`` rounds it."""
    luma = np.asarray(PillowImage.fromarray(image).convert("L"))
    return np.repeat(luma[:, :, None], 3, axis=2)
