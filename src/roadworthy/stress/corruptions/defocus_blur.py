"""Out of focus, as a disk: what a lens does to a point, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.stress._kernels.demand import within
from roadworthy.stress._kernels.disk import disk_blurred
from roadworthy.stress.base import corruption
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    within("defocus_blur", arguments, "radius", 0, 1000)
    within("defocus_blur", arguments, "sigma", 0, 1000, above=True)


@corruption(
    levels={
        224: ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
        299: ((4, 0.1), (5, 0.5), (7, 0.5), (10, 0.5), (12, 0.5)),
        64: ((0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)),
        32: ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
    },
    lengths=("radius", "sigma"),
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def defocus_blur(image: Image, radius: float, sigma: float) -> Image:
    """Spread every point over a disk of ``radius`` pixels, its edge smoothed by ``sigma``.

    ``image`` is uint8 (H, W, 3); so is the result, clipped and truncated. The picture is mirrored at
    its edge. As published, smoothing reflects at the edge of the disk's own grid, so that a disk
    that touches it (radius 8, 10, 12) weighs up to 1.013 and brightens. Hendrycks & Dietterich, ICLR
    2019.
    """
    return disk_blurred(image, radius, sigma)
