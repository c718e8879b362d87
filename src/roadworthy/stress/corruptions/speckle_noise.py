"""Noise in proportion to the value, as in the extra corruptions of ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._noise.speckle import Speckle
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    if not 0 <= arguments.get("scale", 0) < float("inf"):
        raise UsageError(f"speckle_noise: scale is a number from 0 up, not {arguments['scale']}")


@corruption(
    levels={
        224: (0.15, 0.2, 0.35, 0.45, 0.6),
        299: (0.16, 0.21, 0.36, 0.46, 0.61),
        64: (0.15, 0.2, 0.25, 0.3, 0.35),
        32: (0.06, 0.1, 0.12, 0.16, 0.2),
    },
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def speckle_noise(image: Image, scale: float, *, rng: Draws) -> Image:
    """Multiply every value by 1 + ``scale``·N, with independent standard normal numbers N.

    ``image`` is uint8 (H, W, 3), of any size; so is the result. Black stays black. Values are clipped
    to the range and truncated, not rounded, to 8 bits, as published. One of the four validation
    corruptions of ImageNet-C. Hendrycks & Dietterich, ICLR 2019.
    """
    return rng.noisy(image, Speckle(scale))
