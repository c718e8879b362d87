"""Removed pixels show a strongly blurred image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress.masks.base import mask

REACH = 4
"""Standard deviations that the kernel goes to either side."""


def _check(given: Mapping[str, Any]) -> None:
    if not 0 < given["spread"] < float("inf"):
        raise UsageError(
            "blur: spread is the standard deviation of the blur in parts of the shorter side, above "
            f"0, not {given['spread']}"
        )


@mask(check=_check, paper="Fong & Vedaldi, ICCV 2017")
def blur(x: Tensor, *, spread: float = 0.05) -> Tensor:
    """Cover pixels with the image blurred by a Gaussian.

    ``x`` is a float batch (N, C, H, W) in [0, 1]. The standard deviation is ``spread`` times the
    shorter side, about the 10 pixels of 224 in the paper; beyond the edge the image is mirrored.
    Colours and large shapes stay. Fong & Vedaldi, ICCV 2017.
    """
    from torchvision.transforms.functional import gaussian_blur

    sides = x.shape[-2:]
    sigma = spread * min(sides)
    size = [2 * min(max(1, round(REACH * sigma)), side - 1) + 1 for side in (sides[1], sides[0])]
    blurred: Tensor = gaussian_blur(x, size, [sigma, sigma])
    return blurred.clamp_(0.0, 1.0)
