"""Colours washed out or oversaturated, as in the extra corruptions of ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.hsv import with_saturation_stretched
from roadworthy.stress.base import corruption
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    factor, offset = arguments.get("factor", 1.0), arguments.get("offset", 0.0)
    if not (isfinite(factor) and factor >= 0):
        raise UsageError(f"saturate: factor is a number, 0 or larger, not {factor}")
    if not -1.0 <= offset <= 1.0:
        raise UsageError(f"saturate: offset is -1 to 1, in units of full saturation, not {offset}")


_LARGE = ((0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2))


@corruption(
    levels={
        224: _LARGE,
        299: _LARGE,
        64: (*_LARGE[:4], (30.0, 0.2)),
        32: ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)),
    },
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def saturate(image: Image, factor: float, offset: float) -> Image:
    """Replace the saturation s of HSV by ``factor * s + offset``, clipped to [0, 1].

    ``image`` is uint8 (H, W, 3); so is the result. Hue and value stay; grey pixels have the hue of
    red and turn red where ``offset`` is above 0. Values are truncated, not rounded, to 8 bits, as
    published. Hendrycks & Dietterich, ICLR 2019.
    """
    return with_saturation_stretched(image, factor, offset)
