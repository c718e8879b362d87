"""The picture without its colours."""

from __future__ import annotations

import numpy as np

from roadworthy.stress.base import image_stress
from roadworthy.types import Image


def luma(image: Image) -> Image:
    """Return the luma of ITU-R BT.601, uint8 (H, W): (299 R + 587 G + 114 B) / 1000, rounded."""
    weighted = image @ np.array([299, 587, 114])
    levels: Image = ((weighted + 500) // 1000).astype(np.uint8)
    return levels


@image_stress(paper="Geirhos et al., ICLR 2019")
def grey(image: Image) -> Image:
    """Replace all three channels by the luma of BT.601, 0.299 R + 0.587 G + 0.114 B, rounded.

    ``image`` is uint8 (H, W, 3); so is the result. One of the probes for shape and texture of
    Geirhos et al., ICLR 2019.
    """
    return np.repeat(luma(image)[..., None], 3, axis=2)
