"""A motion blur whose direction turns, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.stress._kernels.motion import motion_blurred
from roadworthy.stress._kernels.timeline import check_sequence
from roadworthy.stress.base import sequence
from roadworthy.types import Image

_IMAGENET = {"frames": 31, "radius": 10, "sigma": 3.0, "start": -120.0, "step": 4.0}


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence(
        "motion_blur_sequence",
        arguments,
        radius=(0, 1000),
        sigma=(1e-3, 1e6),
        start=(-360, 360),
        step=(-180, 180),
    )


@sequence(
    tables={
        224: _IMAGENET,
        299: {**_IMAGENET, "radius": 13},
        64: {**_IMAGENET, "radius": 14, "start": -150.0, "step": 5.0},
        32: {"frames": 21, "radius": 6, "sigma": 1.8, "start": -180.0, "step": 9.0},
    },
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def motion_blur_sequence(
    image: Image, *, frames: int, radius: float, sigma: float, start: float, step: float
) -> Iterator[Image]:
    """Yield ``image`` smeared in the directions ``start``, ``start`` + ``step``, ... degrees.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3); so is each frame. The filter is that
    of the corruption ``motion_blur``, with ``radius`` and ``sigma`` in pixels; rounded to 8 bits. Tiny
    ImageNet-P was blurred before it was made small, so that with its numbers the blur of a picture of
    64 pixels is much stronger here, where it is the resized picture. Hendrycks & Dietterich, ICLR 2019.
    """
    for frame in range(frames):
        yield motion_blurred(image, radius, sigma, start + step * frame)
