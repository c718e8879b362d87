"""Only the low spatial frequencies of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.spectrum import filtered, frequencies, to_levels
from roadworthy.stress.base import image_stress
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    if not (isfinite(arguments["radius"]) and arguments["radius"] >= 0):
        raise UsageError(f"lowpass: radius is 0 or larger, not {arguments['radius']}")


@image_stress(level="radius", check=_check, paper="Wang et al., CVPR 2020")
def lowpass(image: Image, radius: float) -> Image:
    """Keep the Fourier coefficients whose frequency is at most ``radius``, remove all others.

    ``image`` is uint8 (H, W, 3); so is the result, clipped and rounded. Each channel is transformed
    by itself. The frequency of coefficient (u, v) is sqrt((u m / H)^2 + (v m / W)^2) cycles per
    shorter side m: on a square frame the distance from the centre of the shifted spectrum. Radius 0
    leaves the mean colour; 0.71 m leaves everything. Wang et al., CVPR 2020.
    """
    keep = frequencies(*image.shape[:2]) <= radius
    return to_levels(filtered(image.astype(np.float64), keep))
