"""Less contrast: every channel is drawn towards its own mean, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import cv2
import numpy as np

from roadworthy.errors import UsageError
from roadworthy.stress.base import corruption
from roadworthy.types import Image

_LEVELS = (0.4, 0.3, 0.2, 0.1, 0.05)
_VALUES = np.arange(256)[:, None] / 255.0


def _check(arguments: Mapping[str, Any]) -> None:
    factor = arguments.get("factor", 1.0)
    if not (isfinite(factor) and factor >= 0):
        raise UsageError(f"contrast: factor is a number, 0 or larger, not {factor}")


@corruption(
    levels={224: _LEVELS, 299: _LEVELS, 64: _LEVELS, 32: (0.75, 0.5, 0.4, 0.3, 0.15)},
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def contrast(image: Image, factor: float) -> Image:
    """Multiply the distance of every value from its channel's spatial mean by ``factor``.

    ``image`` is uint8 (H, W, 3); so is the result. Values are clipped to the range and truncated,
    not rounded, to 8 bits, as published. Hendrycks & Dietterich, ICLR 2019.
    """
    mean = np.array(cv2.mean(image)[:3]) / 255.0
    table = np.clip((_VALUES - mean) * factor + mean, 0.0, 1.0) * 255.0
    return np.asarray(cv2.LUT(image, table.astype(np.uint8)[None]), np.uint8)
