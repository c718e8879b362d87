"""Laid on black, as a screen without a page shows it."""

from __future__ import annotations

from roadworthy.pipeline.alphas._over import over
from roadworthy.pipeline.colour_stages import Opacity, alpha
from roadworthy.types import Image


@alpha
def black(image: Image, opacity: Opacity) -> Image:
    """Return ``image``, uint8 (H, W, 3), laid on black by its ``opacity``, uint8 (H, W)."""
    return over(image, opacity, 0)
