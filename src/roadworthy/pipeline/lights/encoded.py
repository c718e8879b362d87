"""Levels as they are stored, which is what every common resize averages."""

from __future__ import annotations

from roadworthy.pipeline.colour_stages import Resize, light
from roadworthy.types import Image


@light
def encoded(image: Image, size: tuple[int, int], resize: Resize) -> Image:
    """Return ``image``, uint8 (H, W, 3), resized to ``size`` (H, W) as it stands."""
    result: Image = resize(image, size)
    return result
