"""FFmpeg's scaler, as PyAV calls it."""

from __future__ import annotations

from functools import lru_cache
from threading import local
from typing import Any

import numpy as np

from roadworthy.pipeline.stages import resizer
from roadworthy.types import Image

_FILTERS = {
    "fast-bilinear": "FAST_BILINEAR",
    "bilinear": "BILINEAR",
    "bicubic": "BICUBIC",
    "experimental": "X",
    "point": "POINT",
    "area": "AREA",
    "bicublin": "BICUBLIN",
    "gauss": "GAUSS",
    "sinc": "SINC",
    "lanczos": "LANCZOS",
    "spline": "SPLINE",
}
_OWN = local()
KEPT = 16
"""Scalers kept by each thread, one for each change of size: setting one up is half of the work."""


@resizer(*_FILTERS, needs="av", extra="decoders")
def swscale(image: Image, size: tuple[int, int], kernel: str) -> Image:
    """Resize uint8 (H, W, 3) to ``size`` (H, W), rgb24 to rgb24.

    Filters widen with the scale. ``bicubic`` is swscale's default; ``bicublin`` and
    ``fast-bilinear`` treat colour more coarsely than brightness. Where the width becomes half or
    less, swscale takes the colour of every other pixel, as of all pictures that it is not told
    otherwise of.
    """
    import av

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    scaler = _scaler(image.shape[:2], size, kernel)
    scaled = scaler.reformat(
        frame, size[1], size[0], "rgb24", interpolation=_FILTERS[kernel], threads=1
    )
    result: Image = scaled.to_ndarray()
    return result


def _scaler(*change: object) -> Any:
    if not hasattr(_OWN, "scaler"):
        from av.video.reformatter import VideoReformatter

        _OWN.scaler = lru_cache(maxsize=KEPT)(lambda *_: VideoReformatter())
    return _OWN.scaler(*change)
