"""Longer side to a given length, then the centre, with a border where that is smaller."""

from __future__ import annotations

import math

from roadworthy.pipeline.stages import Fit, geometry


@geometry(crops=True)
def border(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the size (H, W) to resize to: the longer side becomes floor(size / crop), as in timm.

    It becomes ``resize_to`` if given. The other side is rounded. timm's mode of this name fills the
    border with the model's mean colour; without ``fill`` it is black.
    """
    assert fit.size is not None
    rows, columns = (fit.resize_to or math.floor(side / fit.crop) for side in fit.size)
    ratio = max(height / rows, width / columns)
    return max(1, round(height / ratio)), max(1, round(width / ratio))
