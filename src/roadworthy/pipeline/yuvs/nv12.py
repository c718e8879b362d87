"""4:2:0 as cameras and video hardware keep it: one pair of chroma samples for four pixels."""

from __future__ import annotations

import numpy as np

from roadworthy.pipeline.colour_stages import layout
from roadworthy.pipeline.yuv import Planes


@layout
def nv12(chroma: Planes) -> Planes:
    """Return ``chroma``, uint8 (H, W, 2), as means of 2 x 2 pixels, rounded, each repeated.

    At an odd edge the last row or column counts twice. Wang et al., SysNoise, MLSys 2023, describe
    the colour path of Ascend hardware, which keeps 12 bits a pixel.
    """
    height, width = chroma.shape[:2]
    edges = ((0, height % 2), (0, width % 2), (0, 0))
    even = np.pad(chroma, edges, mode="edge").astype(np.uint16)
    total = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    kept = (total + 2 >> 2).astype(np.uint8)
    result: Planes = kept.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    return result
