"""Pillow's resampling: filters widen with the scale, so all but nearest are antialiased."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from roadworthy.pipeline.stages import Part, resizer

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


SUPPORT = 3
"""Source pixels on either side that the widest filter, Lanczos, looks at, times the scale."""


def _part(
    image: NDArray[PixelT], size: tuple[int, int], kernel: str, part: Part
) -> NDArray[PixelT]:
    """Return the ``part`` (top, left, height, width) of what `pillow` makes of ``image``."""
    if _rows_first(image.shape, size, kernel) and _known():
        return _in_passes(image, size, kernel, part)
    return _cut(image, size, kernel, part)


def _rows_first(shape: tuple[int, ...], size: tuple[int, int], kernel: str) -> bool:
    """Whether Pillow resizes along the rows and then along the columns, with 8 bits in between.

    Where much height and little width goes, newer releases take the columns first.
    """
    name, gap = _FILTERS[kernel]
    lower, narrower = shape[0] - size[0], shape[1] - size[1]
    return gap is None and name != "nearest" and (lower <= 0 or lower <= 2 * narrower)


def _in_passes(
    image: NDArray[PixelT], size: tuple[int, int], kernel: str, part: Part
) -> NDArray[PixelT]:
    """Leave rows out of the first pass that the part does not need, and columns out of the second."""
    top, left, height, width = part
    how = _RESAMPLING[_FILTERS[kernel][0]]
    rows, scale = len(image), len(image) / size[0]
    reach = SUPPORT * max(scale, 1.0) + 1.0
    first = max(0, int((top + 0.5) * scale - reach))
    last = min(rows, int((top + height - 0.5) * scale + reach) + 1)
    wide = PillowImage.fromarray(image[first:last]).resize((size[1], last - first), how)
    tall = PillowImage.new(wide.mode, (width, rows))
    tall.paste(wide.crop((left, 0, left + width, last - first)), (0, first))
    done = tall.resize((width, size[0]), how)
    result: NDArray[PixelT] = np.asarray(done.crop((0, top, width, top + height)))
    return result


def _cut(image: NDArray[PixelT], size: tuple[int, int], kernel: str, part: Part) -> NDArray[PixelT]:
    top, left, height, width = part
    whole: NDArray[PixelT] = pillow.function(image, size, kernel)
    return whole[top : top + height, left : left + width]


@cache
def _known() -> bool:
    """Whether this release of Pillow works in the passes that are meant here, tried on noise."""
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    tries = [(noise, (48, 64)), (noise.transpose(1, 0, 2).copy(), (64, 48)), (noise, (110, 130))]
    part = (5, 3, 32, 40)
    return all(
        np.array_equal(_in_passes(image, size, name, part), _cut(image, size, name, part))
        for image, size in tries
        for name in _RESAMPLING
        if name != "nearest"
    )


@resizer(*_FILTERS, part=_part)
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
