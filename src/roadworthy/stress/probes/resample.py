"""The frame at another size and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.pipeline.recipe import SIDE_MAX
from roadworthy.pipeline.stages import find_resizer
from roadworthy.stress.base import image_stress
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    find_resizer(arguments["resize"])
    if not 1 <= arguments["side"] <= SIDE_MAX:
        raise UsageError(f"resample: side is 1 to {SIDE_MAX} pixels, not {arguments['side']}")


@image_stress(level="side", axis="systematic", check=_check, paper="Tang et al., RobustART, 2021")
def resample(image: Image, *, side: int, resize: str = "pillow-bilinear") -> Image:
    """Resize the frame, uint8 (H, W, 3), to ``side`` x ``side`` pixels and back to its own size.

    Both ways with ``resize``, such as ``pillow-nearest``; the frame keeps 8 bits in between. What an
    image loses that was stored at another size: CIFAR-10-S is 24, 28, 40 and 48 on frames of 32
    (Tang et al., RobustART, 2021).
    """
    family, kernel = find_resizer(resize)
    there = family.function(image, (side, side), kernel)
    back: Image = family.function(there, image.shape[:2], kernel)
    return back
