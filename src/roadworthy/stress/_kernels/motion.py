"""Motion blur: a one-sided Gaussian of whole-pixel taps along a line."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, cos, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._kernels.blocks import row_blocks

Bytes = NDArray[np.uint8]
Taps = tuple[tuple[int, int, float], ...]

_NEGLIGIBLE = 1e-9  # of the strongest tap: thousands of them would not move a value by 1e-3 levels
_HALF_UP = 1e-5  # exact halves round up, as in the published arithmetic; more than float32 noise


def motion_blurred(image: Bytes, radius: float, sigma: float, angle: float) -> Bytes:
    """Return ``image`` smeared along a line, as ImageMagick's motion blur of 2018 did in 16 bits.

    ``image`` is uint8 (H, W) or (H, W, 3); so is the result. 2 ceil(radius) + 1 taps with weights
    exp(-i² / 2 sigma²), normalised, lie at whole pixels along ``angle`` (degrees, y downwards); the
    border is replicated and the sum rounded half up. ``radius`` is 0 or larger and ``sigma`` larger
    than 0, both in pixels, fractions allowed. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    weights = line_taps(height, width, radius, sigma, angle)
    if len(weights) == 1:
        return image.copy()
    rows, columns = [t[0] for t in weights], [t[1] for t in weights]
    top, left = max(0, -min(rows)), max(0, -min(columns))
    bottom, right = max(0, max(rows)), max(0, max(columns))
    padded = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REPLICATE)
    result = np.empty_like(image, order="C")
    for start, stop in row_blocks(image.shape):
        views = [
            padded[top + start + dy : top + stop + dy, left + dx : left + dx + width]
            for dy, dx, _ in weights
        ]
        _weighted_sum(views, [t[2] for t in weights], result[start:stop])
    return result


def _weighted_sum(views: list[Bytes], weights: list[float], result: Bytes) -> None:
    # In 16 bits a value v is 257 v, and rounding there and then to 8 bits is rounding once: the
    # 8-bit value turns at 257 (v - 1/2), and the 16-bit one half way between 257 v - 129 and - 128.
    total = views[0].astype(np.float32)
    seen = weights[0]
    for view, weight in zip(views[1:], weights[1:], strict=True):
        seen += weight
        # The running mean of what has been seen, so that the end needs no division.
        cv2.accumulateWeighted(view, total, weight / seen)
    cv2.convertScaleAbs(total, dst=result, alpha=1.0, beta=_HALF_UP)


@lru_cache(maxsize=64)
def line_taps(height: int, width: int, radius: float, sigma: float, angle: float) -> Taps:
    """Return (row, column, weight) of the taps on a frame of (height, width), weights summing to 1.

    Taps that fall on the same pixel are one, and an offset beyond the frame is that of its edge.
    """
    index = np.arange(2 * ceil(radius) + 1)
    weights = np.exp(-0.5 * np.square(np.minimum(index / sigma, 1e3)))
    index = index[weights > _NEGLIGIBLE]
    weights = weights[: len(index)] / weights[: len(index)].sum()
    right, down = cos(radians(angle)), sin(radians(angle))
    columns = np.clip(np.ceil(index * right - 0.5), 1 - width, width - 1).astype(int)
    rows = np.clip(np.ceil(index * down - 0.5), 1 - height, height - 1).astype(int)
    merged: dict[tuple[int, int], float] = {}
    for row, column, weight in zip(rows.tolist(), columns.tolist(), weights.tolist(), strict=True):
        merged[row, column] = merged.get((row, column), 0.0) + weight
    return tuple((row, column, weight) for (row, column), weight in merged.items())
