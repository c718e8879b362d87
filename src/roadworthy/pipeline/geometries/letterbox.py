"""All of the picture in the frame with bars of grey, as the YOLO family does."""

from __future__ import annotations

from roadworthy.pipeline.geometries.pad import pad
from roadworthy.pipeline.stages import Fit, geometry


@geometry(fill=114)
def letterbox(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the size (H, W) to resize to, that of ``pad``; the bars have the value 114."""
    size: tuple[int, int] = pad.function(height, width, fit)
    return size
