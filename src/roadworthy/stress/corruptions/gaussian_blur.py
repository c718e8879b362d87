"""Out of focus, as a Gaussian: one of the four extra corruptions of ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.stress._kernels.demand import within
from roadworthy.stress._kernels.gaussian import gaussian_levels
from roadworthy.stress.base import corruption
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    within("gaussian_blur", arguments, "sigma", 0, 10_000)


@corruption(
    levels={
        224: (1, 2, 3, 4, 6),
        299: (1.5, 2.5, 3.5, 4.5, 6.5),
        64: (0.5, 0.75, 1, 1.25, 1.5),
        32: (0.4, 0.6, 0.7, 0.8, 1),
    },
    lengths=("sigma",),
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def gaussian_blur(image: Image, sigma: float) -> Image:
    """Smooth each channel by a Gaussian of ``sigma`` pixels that ends at 4 sigma.

    ``image`` is uint8 (H, W, 3); so is the result, truncated and not rounded, as published. The edge
    is replicated. Hendrycks & Dietterich, ICLR 2019.
    """
    return gaussian_levels(image, sigma)
