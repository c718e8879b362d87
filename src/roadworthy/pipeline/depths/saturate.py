"""Everything above 255 is white: what Pillow's own convert does."""

from __future__ import annotations

import numpy as np

from roadworthy.pipeline.colour_stages import Deep, depth
from roadworthy.types import Image


@depth
def saturate(grey: Deep) -> Image:
    """Return ``grey``, 0 to 65535, (H, W), cut off at 255: uint8 (H, W), nearly always white.

    ``Image.open(...).convert("RGB")`` does this to 16-bit grey, so that many loaders do.
    """
    result: Image = np.minimum(grey, 255).astype(np.uint8)
    return result
