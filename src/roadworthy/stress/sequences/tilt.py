"""The picture tilts slowly in space, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.perspective import tilted
from roadworthy.stress._kernels.timeline import check_sequence, from_middle
from roadworthy.stress.base import sequence
from roadworthy.types import Image

_IMAGENET = {"frames": 31, "step": 1.0}
_STEEPEST = 75.0


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("tilt", arguments, step=(-_STEEPEST, _STEEPEST))
    given = {**_IMAGENET, **arguments}
    half = given["frames"] // 2
    if abs(given["step"]) * half > _STEEPEST:
        raise UsageError(
            f"tilt: {given['frames']} frames of step={given['step']:g} end at "
            f"{abs(given['step']) * half:g} degrees; at most {_STEEPEST:g}, beyond which the picture "
            f"is a line: take a step of at most {_STEEPEST / half:.3g}"
        )


@sequence(
    tables={224: _IMAGENET, 299: _IMAGENET, 64: _IMAGENET, 32: {"frames": 31, "step": 0.75}},
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def tilt(image: Image, *, frames: int, step: float) -> Iterator[Image]:
    """Yield ``image`` turned in space by ``step`` degrees more in each frame, about both its axes.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3); so is each frame. Frame i of T is
    seen at (i - (T - 1) // 2) * ``step`` degrees, -15 to 15 in the published 31 frames, from the
    distance of the picture's diagonal; bilinear in steps of 1/32 pixel as OpenCV 3 and 4 did (OpenCV
    5 alone would differ by up to 8 levels on noise), rounded, black around it. Raises SampleError for
    more than 32,766 pixels a side. Hendrycks & Dietterich, ICLR 2019.
    """
    for frame in range(frames):
        yield tilted(image, from_middle(frame, frames) * step)
