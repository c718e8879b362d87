"""Seen through frosted glass: pixels change places between two blurs, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import SampleError
from roadworthy.stress._kernels.demand import within
from roadworthy.stress._kernels.gaussian import gaussian_levels
from roadworthy.stress._kernels.glass import displaced
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    within("glass_blur", arguments, "sigma", 0, 10_000)
    within("glass_blur", arguments, "displacement", 0, 1000, above=True)
    within("glass_blur", arguments, "passes", 1, 100)


@corruption(
    levels={
        224: ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
        299: ((0.8, 1, 3), (1, 3, 1), (1.1, 2, 4), (1.2, 4, 2), (1.6, 5, 2)),
        64: ((0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)),
        32: ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    },
    lengths=("sigma", "displacement"),
    version=2,
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def glass_blur(
    image: Image, sigma: float, displacement: float, passes: int, *, rng: Draws
) -> Image:
    """Blur, copy a random neighbour over every pixel ``passes`` times, and blur again.

    ``image`` is uint8 (H, W, 3); so is the result. Both blurs are Gaussians of ``sigma`` pixels,
    truncated to 8 bits; neighbours are at most ``displacement`` pixels away, a whole number once
    rounded and at least 1. As published it is a copy one way and no exchange. Raises SampleError
    for frames too small to move a pixel in. Hendrycks & Dietterich, ICLR 2019.
    """
    reach = max(1, int(displacement + 0.5))
    if min(image.shape[:2]) <= 2 * reach:
        raise SampleError(
            f"glass_blur moves pixels by up to {reach} and needs a frame of more than {2 * reach} "
            f"pixels a side, not {image.shape[1]} x {image.shape[0]}"
        )
    blurred = gaussian_levels(image, sigma)
    return gaussian_levels(displaced(blurred, reach, rng, passes=passes), sigma)
