"""Gaussian noise on every pixel and channel, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from roadworthy.errors import UsageError
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments.get("scale", 0) < 0:
        raise UsageError(f"gaussian_noise: scale is 0 or larger, not {arguments['scale']}")


@corruption(
    levels={
        224: (0.08, 0.12, 0.18, 0.26, 0.38),
        299: (0.09, 0.13, 0.19, 0.27, 0.40),
        64: (0.04, 0.08, 0.12, 0.15, 0.18),
        32: (0.04, 0.06, 0.08, 0.09, 0.10),
    },
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def gaussian_noise(image: Image, scale: float, *, rng: Draws) -> Image:
    """Add independent normal noise of standard deviation ``scale`` (in units of the full range).

    ``image`` is uint8 (H, W, 3); so is the result. Values are clipped to the range and truncated,
    not rounded, to 8 bits, as published: the picture darkens by half a level on average. Hendrycks
    & Dietterich, ICLR 2019.
    """
    noisy = image / 255.0 + scale * rng.normal(image.shape)
    return (np.clip(noisy, 0.0, 1.0) * 255.0).astype(np.uint8)
