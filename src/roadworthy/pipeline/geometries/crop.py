"""Keep the aspect: shorter side to a given length, then the centre."""

from __future__ import annotations

import math

from roadworthy.pipeline.stages import Fit, geometry


@geometry(crops=True)
def crop(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the size (H, W) to resize to before the centre crop.

    The shorter side becomes ``resize_to``, or floor(size / crop) as in timm, and the longer side is
    truncated as in torchvision (500 x 375 becomes 341 x 256). For a frame that is not square and no
    ``resize_to``, the side that binds gets its length and the other is rounded, as in timm.
    """
    assert fit.size is not None
    if fit.resize_to is None and fit.size[0] != fit.size[1]:
        ratio = min(height / _scaled(fit.size[0], fit), width / _scaled(fit.size[1], fit))
        return max(1, round(height / ratio)), max(1, round(width / ratio))
    short = fit.resize_to or _scaled(fit.size[0], fit)
    if width <= height:
        return int(short * height / width), short
    return short, int(short * width / height)


def _scaled(side: int, fit: Fit) -> int:
    return math.floor(side / fit.crop)
