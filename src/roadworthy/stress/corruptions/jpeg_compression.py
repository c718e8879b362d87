"""Written as JPEG of low quality and read again, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from roadworthy.errors import SampleError, UsageError
from roadworthy.stress.base import corruption
from roadworthy.types import Image

LARGEST = 65500
"""Pixels along a side that the codec takes."""


def _check(arguments: Mapping[str, Any]) -> None:
    quality = arguments.get("quality", 1)
    if not 1 <= quality <= 100:
        raise UsageError(f"jpeg_compression: quality is 1 to 100, not {quality}")


@corruption(
    levels={
        224: (25, 18, 15, 10, 7),
        299: (23, 16, 13, 8, 5),
        64: (65, 58, 50, 40, 25),
        32: (80, 65, 58, 50, 40),
    },
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def jpeg_compression(image: Image, quality: int) -> Image:
    """Encode ``image`` as baseline 4:2:0 JPEG at ``quality`` (1 to 100) and decode it.

    ``image`` is uint8 (H, W, 3); so is the result. Quality means what it means to libjpeg. Raises
    SampleError for a picture too large for the format. Hendrycks & Dietterich, ICLR 2019.
    """
    if max(image.shape[:2]) > LARGEST:
        raise SampleError(
            f"jpeg_compression: a JPEG has at most {LARGEST} pixels a side, "
            f"not {image.shape[1]}x{image.shape[0]}"
        )
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
