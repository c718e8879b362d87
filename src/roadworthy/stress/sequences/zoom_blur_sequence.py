"""A zoom during ever longer exposure, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np

from roadworthy.stress._kernels.affine import inverse_affine, sampled
from roadworthy.stress._kernels.timeline import check_sequence
from roadworthy.stress._kernels.truncation import truncated
from roadworthy.stress.base import sequence
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("zoom_blur_sequence", arguments, step=(0, 1))


@sequence(
    tables={table: {"frames": 31} for table in (224, 299, 64, 32)},
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def zoom_blur_sequence(image: Image, *, frames: int, step: float = 0.004) -> Iterator[Image]:
    """Yield the mean of ``image`` at the factors 1, 1 + ``step``, ... of its size, one more a frame.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3); so is each frame. Frame 0 is the
    picture itself; frame i is the mean of the pictures 0 to i, each scaled about the middle, bilinear
    and 8-bit, and is truncated to 8 bits. The published sequences of 299 and 64 pixels scale the crop;
    here it is the resized picture at every size. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    factors = (1.0 + step * i for i in range(frames))
    total = np.zeros(image.shape, np.float32)
    places = (inverse_affine(height, width, scale=f) for f in factors)
    for count, zoomed in enumerate(sampled(image, places), start=1):
        cv2.accumulate(zoomed, total)
        # Sums of whole levels are exact; a quotient that is whole must not fall below itself, and
        # the next below a whole one is 1 / count short of it.
        yield truncated(total * np.float32(1 / count), nudge=0.25 / frames)
