"""Gaussian noise on every pixel and channel, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._noise.normal import AddedNormal
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    if not 0 <= arguments.get("scale", 0) < float("inf"):
        raise UsageError(f"gaussian_noise: scale is a number from 0 up, not {arguments['scale']}")


@corruption(
    levels={
        224: (0.08, 0.12, 0.18, 0.26, 0.38),
        299: (0.09, 0.13, 0.19, 0.27, 0.40),
        64: (0.04, 0.08, 0.12, 0.15, 0.18),
        32: (0.04, 0.06, 0.08, 0.09, 0.10),
    },
    check=_check,
    version=2,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def gaussian_noise(image: Image, scale: float, *, rng: Draws) -> Image:
    """Add independent normal noise of standard deviation ``scale`` (in units of the full range).

    ``image`` is uint8 (H, W, 3), of any size; so is the result. Values are clipped to the range and
    truncated, not rounded, to 8 bits, as published: the picture darkens by half a level on average.
    Hendrycks & Dietterich, ICLR 2019.
    """
    return rng.noisy(image, AddedNormal(scale))
