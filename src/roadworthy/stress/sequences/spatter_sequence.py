"""Drops of water creep down the lens, an extra of ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import cv2
import numpy as np

from roadworthy.stress._kernels.droplets import Layer, drops, moisture, under_water
from roadworthy.stress._kernels.timeline import check_sequence
from roadworthy.stress.base import sequence
from roadworthy.stress.draws import Draws
from roadworthy.types import Image

_CREEP = {4: (0.05, 0.1, 0.15, 0.7), 2: (0.2, 0.8)}
"""Shares of a pixel's water that are found one row up, in its own and in the rows below a frame
later; of the two, none goes up."""

_IMAGENET = {
    "frames": 31,
    "mean": 0.65,
    "spread": 0.27,
    "sigma": 3.7,
    "threshold": 0.69,
    "reach": 4,
}
_SMALL = {**_IMAGENET, "mean": 0.6, "sigma": 1.75, "threshold": 0.7, "reach": 2}


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence(
        "spatter_sequence",
        arguments,
        mean=(-10, 10),
        spread=(0, 10),
        sigma=(0, 1000),
        threshold=(0, 10),
        brightness=(0, 1),
    )


@sequence(
    tables={
        224: _IMAGENET,
        299: {**_IMAGENET, "spread": 0.3, "sigma": 4.0},
        64: {**_SMALL, "spread": 0.25},
        32: {**_SMALL, "spread": 0.265},
    },
    check=_check,
    version=2,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def spatter_sequence(
    image: Image,
    *,
    frames: int,
    mean: float,
    spread: float,
    sigma: float,
    threshold: float,
    brightness: float = 0.6,
    reach: Literal[2, 4],
    rng: Draws,
) -> Iterator[Image]:
    """Yield ``image`` under one layer of water whose drops creep down the columns.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3); so is each frame. The layer is that
    of the corruption ``spatter`` with ``kind=water``, drawn once; from frame to frame each column is
    convolved with (0.05, 0.1, 0.15, 0.7), of ``reach`` 4 pixels, one up and two down, or, in small
    pictures, with (0.2, 0.8), of 2, none and one down; dry beyond the border.
    Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    field = moisture(height, width, mean=mean, spread=spread, sigma=sigma, rng=rng)
    layer = drops(field, threshold)
    for frame in range(frames):
        if frame:
            layer = _crept(layer, _CREEP[reach])
        yield under_water(image, layer, brightness)


def _crept(layer: Layer, shares: tuple[float, ...]) -> Layer:
    # OpenCV correlates; the middle of four taps is the third from the other end.
    column = np.array(shares[::-1], np.float32)[:, None]
    anchor = (0, len(shares) // 2)
    border = cv2.BORDER_CONSTANT
    return np.asarray(cv2.filter2D(layer, -1, column, anchor=anchor, borderType=border))
