"""Falling snow over a whitened picture, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.flakes import flakes, under_snow
from roadworthy.stress._kernels.motion import motion_blurred
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image

_LIMITS = {
    "mean": (-inf, inf, "a level, 0 to 1 being the full range"),
    "spread": (0.0, inf, "a standard deviation, 0 or larger"),
    "zoom": (1.0, 1e6, "1 or larger"),
    "threshold": (0.0, inf, "a level, 0 or larger"),
    "radius": (0.0, 1e4, "a length in pixels, 0 to 10,000"),
    "sigma": (1e-3, 1e6, "a length in pixels, larger than 0"),
    "keep": (0.0, 1.0, "the share of the picture that is kept, 0 to 1"),
}


def _check(arguments: Mapping[str, Any]) -> None:
    for name, (low, high, meaning) in _LIMITS.items():
        value = arguments.get(name)
        if value is not None and not (low <= value <= high and abs(value) < inf):
            raise UsageError(f"snow: {name} is {meaning}, not {value}")


_LARGE = (
    (0.1, 0.3, 3.0, 0.5, 10.0, 4.0, 0.8),
    (0.2, 0.3, 2.0, 0.5, 12.0, 4.0, 0.7),
    (0.55, 0.3, 4.0, 0.9, 12.0, 8.0, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12.0, 8.0, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12.0, 12.0, 0.55),
)


@corruption(
    levels={
        224: _LARGE,
        299: _LARGE,
        64: (
            (0.1, 0.2, 1.0, 0.6, 8.0, 3.0, 0.8),
            (0.1, 0.2, 1.0, 0.5, 10.0, 4.0, 0.8),
            (0.15, 0.3, 1.75, 0.55, 10.0, 4.0, 0.7),
            (0.25, 0.3, 2.25, 0.6, 12.0, 6.0, 0.65),
            (0.3, 0.3, 1.25, 0.65, 14.0, 12.0, 0.6),
        ),
        32: (
            (0.1, 0.2, 1.0, 0.6, 8.0, 3.0, 0.95),
            (0.1, 0.2, 1.0, 0.5, 10.0, 4.0, 0.9),
            (0.15, 0.3, 1.75, 0.55, 10.0, 4.0, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12.0, 6.0, 0.85),
            (0.3, 0.3, 1.25, 0.65, 14.0, 12.0, 0.8),
        ),
    },
    lengths=("radius", "sigma"),
    check=_check,
    version=2,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def snow(
    image: Image,
    mean: float,
    spread: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    keep: float,
    *,
    rng: Draws,
) -> Image:
    """Whiten the picture and let flakes fall over it, streaked by motion blur.

    ``image`` is uint8 (H, W, 3); so is the result. Flakes are what a normal field of ``mean`` and
    ``spread`` (in units of the full range), enlarged ``zoom`` times, leaves above ``threshold``; they
    are blurred along a line between 45 and 135 degrees with ``radius`` and ``sigma`` in pixels, and
    added twice, the second time upside down. ``keep`` is the share of the picture that is not
    whitened. The layer of flakes has 8 bits before and after the blur, and the result is truncated, not
    rounded, as published. Severity 3 is easier than 2. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    layer = flakes(height, width, mean=mean, spread=spread, zoom=zoom, threshold=threshold, rng=rng)
    angle = float(rng.uniform(-135.0, -45.0, ()))
    return under_snow(image, motion_blurred(layer, radius, sigma, angle), keep)
