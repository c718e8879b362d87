"""The camera moved towards the scene: the mean of many enlargements, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.demand import within
from roadworthy.stress._kernels.truncation import truncated
from roadworthy.stress._kernels.zoom import zoom_mean
from roadworthy.stress.base import corruption
from roadworthy.types import Image

_MOST_FACTORS = 1000


def _check(arguments: Mapping[str, Any]) -> None:
    within("zoom_blur", arguments, "step", 0, 100, above=True)
    within("zoom_blur", arguments, "stop", 1, 100, above=True)
    if "step" not in arguments or "stop" not in arguments:
        return
    count = (arguments["stop"] - 1) / arguments["step"]
    if count > _MOST_FACTORS:
        raise UsageError(
            f"zoom_blur: {count:.0f} enlargements, at most {_MOST_FACTORS}; take a larger step"
        )


@corruption(
    levels={
        224: ((0.01, 1.11), (0.01, 1.16), (0.02, 1.21), (0.02, 1.26), (0.03, 1.31)),
        299: ((0.01, 1.11), (0.01, 1.16), (0.02, 1.21), (0.02, 1.26), (0.03, 1.31)),
        64: ((0.01, 1.06), (0.01, 1.11), (0.01, 1.16), (0.01, 1.21), (0.01, 1.26)),
        32: ((0.01, 1.06), (0.01, 1.11), (0.01, 1.16), (0.01, 1.21), (0.01, 1.26)),
    },
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def zoom_blur(image: Image, step: float, stop: float) -> Image:
    """Return the mean of ``image`` and its enlargements 1, 1 + step, ... up to about ``stop``.

    ``image`` is uint8 (H, W, 3); so is the result, truncated and not rounded. As published, the
    factors are those of a floating-point range, so that ``stop`` itself belongs to some lists and
    not to others, and the list starts at 1, so that the clean image enters twice. Hendrycks &
    Dietterich, ICLR 2019.
    """
    return truncated(zoom_mean(image, zoom_factors(step, stop)))


def zoom_factors(step: float, stop: float) -> tuple[float, ...]:
    """Return the factors from 1 on, as NumPy's range of floating-point numbers counts them."""
    return tuple(np.arange(1.0, stop, step).tolist())
