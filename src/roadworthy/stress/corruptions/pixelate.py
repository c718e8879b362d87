"""Large pixels: shrunk by area average and grown again, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from roadworthy.errors import UsageError
from roadworthy.stress.base import corruption
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    fraction = arguments.get("fraction", 1.0)
    if not 0 < fraction <= 1:
        raise UsageError(f"pixelate: fraction is above 0 and at most 1, not {fraction}")


@corruption(
    levels={
        224: (0.6, 0.5, 0.4, 0.3, 0.25),
        299: (0.5, 0.4, 0.3, 0.25, 0.2),
        64: (0.9, 0.8, 0.7, 0.6, 0.5),
        32: (0.95, 0.9, 0.85, 0.75, 0.65),
    },
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def pixelate(image: Image, fraction: float) -> Image:
    """Shrink both sides to ``fraction`` of their length by area average, then grow them back.

    ``image`` is uint8 (H, W, 3); so is the result. Lengths are truncated (one pixel at least),
    averages are those of Pillow's BOX filter with its rounding to 8 bits, and growing repeats the
    pixel whose area covers the centre. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    small = (max(1, int(width * fraction)), max(1, int(height * fraction)))
    shrunk = np.asarray(Pillow.fromarray(image).resize(small, Pillow.Resampling.BOX))
    grown = cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(grown, np.uint8)
