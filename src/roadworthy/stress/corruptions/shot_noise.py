"""Photon noise on every pixel and channel, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._noise.shot import Shot
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image

MOST_PHOTONS = 1e9
"""No 8-bit image has use for more: the noise is far below one level."""


def _check(arguments: Mapping[str, Any]) -> None:
    if not 0 < arguments.get("photons", 1) <= MOST_PHOTONS:
        raise UsageError(
            f"shot_noise: photons is larger than 0 and at most 1e9, not {arguments['photons']}"
        )


@corruption(
    levels={
        224: (60, 25, 12, 5, 3),
        299: (50, 20, 10, 5, 3),
        64: (250, 100, 50, 30, 15),
        32: (500, 250, 100, 75, 50),
    },
    check=_check,
    version=2,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def shot_noise(image: Image, photons: float, *, rng: Draws) -> Image:
    """Count every value in photons, ``photons`` of them on average for a full one: Poisson noise.

    ``image`` is uint8 (H, W, 3), of any size; so is the result. Fewer photons mean more noise, up to
    10^9 are taken. Channels are independent; values are clipped to the range, so that bright regions
    darken, and truncated to 8 bits, as published. Hendrycks & Dietterich, ICLR 2019.
    """
    return rng.noisy(image, Shot(photons))
