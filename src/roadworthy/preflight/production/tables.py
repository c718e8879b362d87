"""The quality that a JPEG was written with, from its quantisation tables."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image as PillowImage

LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
"""The table of luminance in annex K of the standard, which libjpeg scales (ITU-T T.81)."""


def quality_of(data: bytes) -> int | None:
    """Return the quality, 1 to 100, at which libjpeg would write tables as coarse as those of a file.

    The exact one for tables of libjpeg, the nearest by the sum of the steps for those of cameras and
    editors. None for what is no JPEG, and where no table can be read.
    """
    try:
        with PillowImage.open(io.BytesIO(data), formats=("JPEG",)) as file:
            tables: dict[int, list[int]] = getattr(file, "quantization", {})
    except (
        Exception
    ):  # Pillow has many types for damaged files; whether it can be read is asked elsewhere
        return None
    if 0 not in tables:
        return None
    return int(np.abs(_sums() - sum(tables[0])).argmin()) + 1


@cache
def _sums() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the sum of the luminance steps at the qualities 1 to 100, as libjpeg scales them."""
    base = np.array(LUMINANCE)
    scales = [5000 // q if q < 50 else 200 - 2 * q for q in range(1, 101)]
    return np.array([np.clip((base * s + 50) // 100, 1, 255).sum() for s in scales])


def coarseness(quality: float) -> float:
    """Return how coarse steps are at a quality, relative to those of 50; at least 0.01."""
    return max(0.01, 50 / quality if quality < 50 else 2 - quality / 50)
