"""Plain RGB: the frame as it is."""

from __future__ import annotations

from roadworthy.pipeline.stages import colour
from roadworthy.types import Image


@colour
def rgb(image: Image) -> Image:
    """Return ``image``, uint8 (H, W, 3), unchanged."""
    return image
