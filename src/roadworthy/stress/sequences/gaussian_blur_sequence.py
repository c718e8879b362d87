"""The picture goes slowly out of focus, an extra of ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.stress._kernels.gaussian import gaussian_levels
from roadworthy.stress._kernels.timeline import check_sequence
from roadworthy.stress.base import sequence
from roadworthy.types import Image

_IMAGENET = {"frames": 31, "start": 0.25, "step": 0.035, "truncate": 6.0}


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence(
        "gaussian_blur_sequence", arguments, start=(0, 100), step=(0, 1), truncate=(1, 10)
    )


@sequence(
    tables={
        224: _IMAGENET,
        299: {**_IMAGENET, "start": 0.35},
        64: {"frames": 31, "start": 0.35, "step": 0.014, "truncate": 7.0},
        32: {"frames": 31, "start": 0.30, "step": 0.015, "truncate": 7.0},
    },
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def gaussian_blur_sequence(
    image: Image, *, frames: int, start: float, step: float, truncate: float
) -> Iterator[Image]:
    """Yield ``image`` smoothed by a Gaussian of ``start``, ``start`` + ``step``, ... pixels.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3); so is each frame. The kernel ends at
    ``truncate`` standard deviations, the edge is repeated outside, and values are truncated to 8
    bits. The published data go from 0.25 to 1.3 pixels at 224. Hendrycks & Dietterich, ICLR 2019.
    """
    for frame in range(frames):
        yield gaussian_levels(image, start + step * frame, truncate=truncate)
