"""Blue first: what OpenCV hands out, and a mistake that networks see often."""

from __future__ import annotations

from roadworthy.pipeline.stages import colour
from roadworthy.types import Image


@colour
def bgr(image: Image) -> Image:
    """Return ``image``, uint8 (H, W, 3), with its channels in reverse order."""
    return image[:, :, ::-1]
