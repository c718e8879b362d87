"""Chroma for every pixel: only the matrix and rounding are lost."""

from __future__ import annotations

from roadworthy.pipeline.colour_stages import layout
from roadworthy.pipeline.yuv import Planes


@layout
def yuv444(chroma: Planes) -> Planes:
    """Return ``chroma``, uint8 (H, W, 2), unchanged."""
    return chroma
