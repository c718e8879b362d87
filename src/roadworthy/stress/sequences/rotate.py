"""A slow turn about the middle of the picture, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.stress._kernels.affine import inverse_affine, sampled
from roadworthy.stress._kernels.timeline import check_sequence, from_middle
from roadworthy.stress.base import sequence
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("rotate", arguments, step=(-180, 180))


@sequence(
    tables={table: {"frames": 31} for table in (224, 299, 64, 32)},
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def rotate(image: Image, *, frames: int, step: float = 1.0) -> Iterator[Image]:
    """Yield ``image`` turned by ``step`` degrees more in each frame, clockwise, centred on no turn.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3); so is each frame. Frame i of T is
    turned by (i - (T - 1) // 2) * ``step`` degrees, -15 to 15 in the published 31 frames; bilinear,
    truncated to 8 bits, black where there is no picture. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    angles = (from_middle(i, frames) * step for i in range(frames))
    return sampled(image, (inverse_affine(height, width, angle=a) for a in angles))
