"""A slow shear of the picture, an extra of ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.affine import inverse_affine, sampled
from roadworthy.stress._kernels.timeline import check_sequence, from_middle
from roadworthy.stress.base import sequence
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("shear", arguments, step=(-80, 80))
    frames, step = arguments.get("frames", 31), arguments["step"]
    widest = abs(step) * (frames // 2)
    if widest > 80:
        raise UsageError(
            f"shear: {frames} frames of step={step:g} end at {widest:g} degrees; at most 80, "
            f"where hardly anything is left: take a step of at most {80 / (frames // 2):.3g}"
        )


@sequence(
    tables={table: {"frames": 31} for table in (224, 299, 64, 32)},
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def shear(image: Image, *, frames: int, step: float = 1.0) -> Iterator[Image]:
    """Yield ``image`` sheared sideways by ``step`` degrees more in each frame, centred on none.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3); so is each frame. Frame i of T has
    the shear angle s = (i - (T - 1) // 2) * ``step`` of torchvision 0.2, whose inverse map is
    [[1, tan s], [0, 1 / cos s]] about its centre: later versions define the angle otherwise.
    Bilinear, truncated to 8 bits, black where there is no picture. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    angles = (from_middle(i, frames) * step for i in range(frames))
    return sampled(image, (inverse_affine(height, width, shear=a) for a in angles))
