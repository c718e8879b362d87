"""The clipped zoom of the benchmark: the middle of a field, enlarged to its old size."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._kernels.blocks import row_blocks

F = TypeVar("F", np.float32, np.float64)

EXACT_WARPS = int(cv2.__version__.split(".")[0]) >= 5
"""Whether OpenCV warps at exact positions; before version 5 it took the nearest 1/32 of a pixel."""

_WARPED_SIDE = 2048  # pixels; its positions are float32


def zoom_source_window(height: int, width: int, factor: float) -> tuple[slice, slice]:
    """Return the rows and columns that ``clipped_zoom`` reads of a field of (height, width)."""
    return _middle(height, factor), _middle(width, factor)


def clipped_zoom(field: NDArray[F], factor: float) -> NDArray[F]:
    """Return the middle of ``field`` enlarged ``factor`` times, bilinearly, at the field's size.

    ``field`` is float32 or float64, (H, W) or (H, W, 3); the result has its shape and type;
    ``factor`` is 1 or larger. The middle c = ceil(H / factor) rows become m = round(c * factor)
    rows whose first and last are those of the middle, of which H are kept from (m - H) // 2 on: as m
    is rarely more than H + 1, the surplus row goes at the end, as published. Columns likewise by W
    (the published code is for squares). Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = field.shape[:2]
    window = zoom_source_window(height, width, factor)
    return enlarged(field[window], factor, height, width)


def zoom_mean(image: NDArray[np.uint8], factors: Sequence[float]) -> NDArray[np.float32]:
    """Return the mean of ``image``, uint8 (H, W, 3), and its clipped zooms by ``factors``.

    Values are levels, 0 to 255; sums are kept in float32.
    """
    if EXACT_WARPS and max(image.shape) <= _WARPED_SIDE:
        # OpenCV warps four channels faster than three.
        field = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA).astype(np.float32)
        total = np.asarray(cv2.cvtColor(_warped_sum(field, factors), cv2.COLOR_RGBA2RGB))
    else:
        field = image.astype(np.float32)
        total = field.copy()
        for factor in factors:
            total += field if factor == 1 else clipped_zoom(field, factor)
    total *= np.float32(1 / (len(factors) + 1))
    return total


def _warped_sum(field: NDArray[np.float32], factors: Sequence[float]) -> NDArray[np.float32]:
    height, width = field.shape[:2]
    total = field * np.float32(1 + sum(factor == 1 for factor in factors))
    steps = [(_steps(height, factor), _steps(width, factor)) for factor in factors if factor != 1]
    zoomed = np.empty_like(field)
    for start, stop in row_blocks(field.shape):
        part, target = total[start:stop], zoomed[: stop - start]
        for (row_step, row), (column_step, column) in steps:
            cv2.warpAffine(
                field,
                np.array([[column_step, 0, column], [0, row_step, row + start * row_step]]),
                (width, stop - start),
                dst=target,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
            part += target
    return total


def enlarged(part: NDArray[F], factor: float, height: int, width: int) -> NDArray[F]:
    """Return the clipped zoom to (height, width), given only ``part``, the window that it reads."""
    # Whole rows are mixed fastest, so columns become rows for it.
    wide = _rows_mixed(cv2.transpose(part), *_between(part.shape[1], factor, width))
    return _rows_mixed(cv2.transpose(wide), *_between(part.shape[0], factor, height))


def _middle(size: int, factor: float) -> slice:
    kept = ceil(size / factor)
    first = (size - kept) // 2
    return slice(first, first + kept)


def _steps(size: int, factor: float) -> tuple[float, float]:
    """Return how far apart the sampled positions are, and where the first one is, in the field."""
    window = _middle(size, factor)
    kept = window.stop - window.start
    full = round(kept * factor)
    step = (kept - 1) / (full - 1) if full > 1 else 0.0
    return step, window.start + (full - size) // 2 * step


def _between(
    kept: int, factor: float, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    step, first = _steps(size, factor)
    position = np.asarray(first - _middle(size, factor).start + np.arange(size) * step, np.float64)
    low = np.asarray(np.minimum(position.astype(np.int64), kept - 1))
    return low, np.asarray(np.minimum(low + 1, kept - 1)), np.asarray(position - low)


def _rows_mixed(
    field: NDArray[Any],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    fraction: NDArray[np.float64],
) -> NDArray[Any]:
    share = fraction.astype(field.dtype).reshape(-1, *[1] * (field.ndim - 1))
    start, mixed = field.take(low, 0), field.take(high, 0)
    mixed -= start
    mixed *= share
    mixed += start
    return mixed
