"""Pillow's resampling: filters widen with the scale, so all but nearest are antialiased."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from roadworthy.pipeline.stages import resizer

PixelT = TypeVar("PixelT", np.uint8, np.float32)

_FILTERS = {
    "nearest": PillowImage.Resampling.NEAREST,
    "box": PillowImage.Resampling.BOX,
    "bilinear": PillowImage.Resampling.BILINEAR,
    "hamming": PillowImage.Resampling.HAMMING,
    "bicubic": PillowImage.Resampling.BICUBIC,
    "lanczos": PillowImage.Resampling.LANCZOS,
}


@resizer(*_FILTERS)
def pillow(image: NDArray[PixelT], size: tuple[int, int], kernel: str) -> NDArray[PixelT]:
    """Resize uint8 (H, W, 3), or one float32 plane (H, W), to ``size`` (H, W).

    Fixed-point weights and the 8-bit rounding between the two passes are Pillow's own.
    """
    height, width = size
    picture = PillowImage.fromarray(image).resize((width, height), _FILTERS[kernel])
    result: NDArray[PixelT] = np.asarray(picture)
    return result
