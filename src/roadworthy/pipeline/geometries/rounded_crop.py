"""Keep the aspect as OpenCV recipes do: the longer side is rounded, the crop's offset rounded down."""

from __future__ import annotations

import math

from roadworthy.pipeline.geometries.crop import crop
from roadworthy.pipeline.geometries.floor_crop import floored
from roadworthy.pipeline.stages import Fit, geometry


@geometry(offset=floored, crops=True)
def rounded_crop(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the size (H, W) to resize to: the shorter side as ``crop`` has it, the longer rounded.

    500 x 375 becomes 341 x 256, and 512 x 375 becomes 350 x 256 where ``crop`` truncates to 349.
    Albumentations' SmallestMaxSize and CenterCrop, and TF-slim's VGG preprocessing, do this.
    """
    assert fit.size is not None
    if fit.resize_to is None and fit.size[0] != fit.size[1]:
        size: tuple[int, int] = crop.function(height, width, fit)
        return size
    short = fit.resize_to or math.floor(fit.size[0] / fit.crop)
    scale = short / min(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
