"""Only the high spatial frequencies of a picture, on mid-grey."""

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
        raise UsageError(f"highpass: radius is 0 or larger, not {arguments['radius']}")


@image_stress(level="radius", check=_check, paper="Wang et al., CVPR 2020")
def highpass(image: Image, radius: float) -> Image:
    """Remove the Fourier coefficients whose frequency is at most ``radius``, keep all others.

    ``image`` is uint8 (H, W, 3); so is the result, clipped and rounded. Each channel is transformed
    by itself; frequencies are in cycles per shorter side, as for ``lowpass``, whose complement this
    is. The mean goes with the low frequencies, so half the range (127.5) is added: without it every
    negative value would be lost in 8 bits. Wang et al., CVPR 2020, who do not say what is added.
    """
    keep = frequencies(*image.shape[:2]) > radius
    return to_levels(filtered(image.astype(np.float64), keep) + 127.5)
