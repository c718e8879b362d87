"""Pillow's resampling: filters widen with the scale, so all but nearest are antialiased."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from roadworthy.pipeline.stages import resizer

PixelT = TypeVar("PixelT", np.uint8, np.float32)

_RESAMPLING = {
    "nearest": PillowImage.Resampling.NEAREST,
    "box": PillowImage.Resampling.BOX,
    "bilinear": PillowImage.Resampling.BILINEAR,
    "hamming": PillowImage.Resampling.HAMMING,
    "bicubic": PillowImage.Resampling.BICUBIC,
    "lanczos": PillowImage.Resampling.LANCZOS,
}
_GAPS = {
    f"{name}-reducing-gap-{gap}": (name, gap)
    for name in _RESAMPLING
    for gap in (1, 2, 3)
    if name != "nearest"  # Pillow ignores the gap there
}
_FILTERS: dict[str, tuple[str, int | None]] = {**{n: (n, None) for n in _RESAMPLING}, **_GAPS}


@resizer(*_FILTERS)
def pillow(image: NDArray[PixelT], size: tuple[int, int], kernel: str) -> NDArray[PixelT]:
    """Resize uint8 (H, W, 3), or one float32 plane (H, W), to ``size`` (H, W).

    Fixed-point weights and the 8-bit rounding between the two passes are Pillow's own. With
    ``-reducing-gap-N`` whole pixels are averaged first where that leaves at least N pixels for each
    that is wanted; ``thumbnail`` does so with 2.
    """
    height, width = size
    name, gap = _FILTERS[kernel]
    picture = PillowImage.fromarray(image).resize(
        (width, height), _RESAMPLING[name], reducing_gap=gap
    )
    result: NDArray[PixelT] = np.asarray(picture)
    return result
