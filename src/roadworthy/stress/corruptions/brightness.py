"""A brighter picture: more value at the same hue and saturation, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.hsv import with_value_raised
from roadworthy.stress.base import corruption
from roadworthy.types import Image

_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5)


def _check(arguments: Mapping[str, Any]) -> None:
    amount = arguments.get("amount", 0.0)
    if not -1.0 <= amount <= 1.0:
        raise UsageError(
            f"brightness: amount is -1 to 1 in units of the full range (below 0 darkens), not {amount}"
        )


@corruption(
    levels={224: _LEVELS, 299: _LEVELS, 64: _LEVELS, 32: (0.05, 0.1, 0.15, 0.2, 0.3)},
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def brightness(image: Image, amount: float) -> Image:
    """Add ``amount`` to the value of HSV, in units of the full range, and clip it to the range.

    ``image`` is uint8 (H, W, 3); so is the result. Hue and saturation stay. Values are truncated, not
    rounded, to 8 bits, as published. Hendrycks & Dietterich, ICLR 2019.
    """
    return with_value_raised(image, amount)
