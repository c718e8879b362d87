"""Colours as they are stored, also where nobody was to see them."""

from __future__ import annotations

from roadworthy.pipeline.colour_stages import Opacity, alpha
from roadworthy.types import Image


@alpha
def drop(image: Image, opacity: Opacity) -> Image:
    """Return ``image``, uint8 (H, W, 3), as ``convert("RGB")`` and ``imread`` do."""
    del opacity
    return image
