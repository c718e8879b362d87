"""The camera moved: a smear along a random line, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.stress._kernels.demand import within
from roadworthy.stress._kernels.motion import motion_blurred
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image

_LARGEST_ANGLE = 45.0  # degrees, to either side of the horizontal


def _check(arguments: Mapping[str, Any]) -> None:
    within("motion_blur", arguments, "radius", 0, 10_000)
    within("motion_blur", arguments, "sigma", 0, 10_000, above=True)


@corruption(
    levels={
        224: ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
        299: ((12, 4), (17, 6), (17, 9), (17, 13), (22, 16)),
        64: ((10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)),
        32: ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
    },
    lengths=("radius", "sigma"),
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def motion_blur(image: Image, radius: float, sigma: float, *, rng: Draws) -> Image:
    """Smear ``image`` along a line at a random angle between -45 and 45 degrees.

    ``image`` is uint8 (H, W, 3); so is the result, rounded, as ImageMagick did when the published
    images were made. The smear is one-sided: 2 ceil(radius) + 1 pixels with Gaussian weights of
    ``sigma`` pixels. The edge is replicated. Hendrycks & Dietterich, ICLR 2019.
    """
    angle = float(rng.uniform(-_LARGEST_ANGLE, _LARGEST_ANGLE, (1,))[0])
    return motion_blurred(image, radius, sigma, angle)
