"""Drops of water or mud on the lens, as among the extra corruptions of ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Literal

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.droplets import drops, moisture, under_mud, under_water
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image

_LIMITS = {
    "mean": (-inf, inf, "a level, 0 to 1 being the full range"),
    "spread": (0.0, inf, "a standard deviation, 0 or larger"),
    "sigma": (0.0, 1e4, "a length in pixels, 0 to 10,000"),
    "threshold": (0.0, inf, "a level, 0 or larger"),
    "brightness": (0.0, 1.0, "a level, 0 to 1"),
    "smoothing": (0.0, 1e4, "a length in pixels, 0 to 10,000"),
}


def _check(arguments: Mapping[str, Any]) -> None:
    for name, (low, high, meaning) in _LIMITS.items():
        value = arguments.get(name)
        if value is not None and not (low <= value <= high and abs(value) < inf):
            raise UsageError(f"spatter: {name} is {meaning}, not {value}")


@corruption(
    levels={
        224: (
            (0.65, 0.3, 4.0, 0.69, "water", 0.6, 0.0),
            (0.65, 0.3, 3.0, 0.68, "water", 0.6, 0.0),
            (0.65, 0.3, 2.0, 0.68, "water", 0.5, 0.0),
            (0.65, 0.3, 1.0, 0.65, "mud", 0.0, 1.5),
            (0.67, 0.4, 1.0, 0.65, "mud", 0.0, 1.5),
        ),
        299: (
            (0.65, 0.3, 4.0, 0.69, "water", 0.9, 0.0),
            (0.65, 0.3, 3.5, 0.68, "water", 0.9, 0.0),
            (0.65, 0.3, 3.0, 0.68, "water", 0.8, 0.0),
            (0.65, 0.3, 1.2, 0.65, "mud", 0.0, 1.8),
            (0.67, 0.4, 1.2, 0.65, "mud", 0.0, 1.8),
        ),
        64: (
            (0.62, 0.1, 0.7, 0.7, "water", 0.6, 0.0),
            (0.65, 0.1, 0.8, 0.7, "water", 0.6, 0.0),
            (0.65, 0.3, 1.0, 0.69, "water", 0.6, 0.0),
            (0.65, 0.1, 0.7, 0.68, "mud", 0.0, 0.6),
            (0.65, 0.1, 0.5, 0.67, "mud", 0.0, 0.6),
        ),
        32: (
            (0.62, 0.1, 0.7, 0.7, "water", 0.5, 0.0),
            (0.65, 0.1, 0.8, 0.7, "water", 0.5, 0.0),
            (0.65, 0.3, 1.0, 0.69, "water", 0.5, 0.0),
            (0.65, 0.1, 0.7, 0.69, "mud", 0.0, 0.6),
            (0.65, 0.1, 0.5, 0.68, "mud", 0.0, 0.6),
        ),
    },
    # White noise smoothed over twice the length is half as strong: with its spread growing too, the
    # drops cover as much of a large frame as of a small one.
    lengths=("sigma", "smoothing", "spread"),
    check=_check,
    version=2,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def spatter(
    image: Image,
    mean: float,
    spread: float,
    sigma: float,
    threshold: float,
    kind: Literal["water", "mud"],
    brightness: float,
    smoothing: float,
    *,
    rng: Draws,
) -> Image:
    """Spatter the picture with ``water``, which brightens it, or ``mud``, which covers it.

    ``image`` is uint8 (H, W, 3); so is the result. Drops are where a normal field of ``mean`` and
    ``spread`` (in units of the full range), smoothed by ``sigma`` pixels, exceeds ``threshold``.
    ``brightness``, 0 to 1, is that of the brightest drop of water; ``smoothing`` in pixels that of
    the borders of mud; the other kind takes no notice of it. Values are truncated, not rounded, to 8
    bits, as published; without a drop of water the picture stays. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    field = moisture(height, width, mean=mean, spread=spread, sigma=sigma, rng=rng)
    if kind == "mud":
        return under_mud(image, field, threshold, smoothing)
    return under_water(image, drops(field, threshold), brightness)
