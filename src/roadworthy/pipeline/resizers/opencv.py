"""OpenCV's resize: no antialiasing except in area, which averages what a pixel covers."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.pipeline.native import opencv as cv2
from roadworthy.pipeline.stages import resizer

PixelT = TypeVar("PixelT", np.uint8, np.float32)

_FILTERS = {
    "nearest": "INTER_NEAREST",
    "nearest-exact": "INTER_NEAREST_EXACT",
    "linear": "INTER_LINEAR",
    "linear-exact": "INTER_LINEAR_EXACT",
    "area": "INTER_AREA",
    "cubic": "INTER_CUBIC",
    "lanczos4": "INTER_LANCZOS4",
}


@resizer(*_FILTERS)
def opencv(image: NDArray[PixelT], size: tuple[int, int], kernel: str) -> NDArray[PixelT]:
    """Resize uint8 (H, W, 3), or one float32 plane (H, W), to ``size`` (H, W).

    ``nearest`` takes floor(i * scale), ``nearest-exact`` the pixel under the centre; ``linear`` is
    OpenCV's own, which becomes ``area`` at exactly half size. Bicubic uses a = -0.75.
    """
    height, width = size
    cv = cv2()
    result: NDArray[PixelT] = cv.resize(
        image, (width, height), interpolation=getattr(cv, _FILTERS[kernel])
    )
    return result
