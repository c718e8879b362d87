"""Salt-and-pepper noise on every channel by itself, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._noise.impulse import SaltAndPepper
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    if not 0 <= arguments.get("amount", 0) <= 1:
        raise UsageError(
            f"impulse_noise: amount is a probability, 0 to 1, not {arguments['amount']}"
        )


@corruption(
    levels={
        224: (0.03, 0.06, 0.09, 0.17, 0.27),
        299: (0.04, 0.07, 0.10, 0.18, 0.28),
        64: (0.01, 0.02, 0.05, 0.08, 0.14),
        32: (0.01, 0.02, 0.03, 0.05, 0.07),
    },
    check=_check,
    version=2,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def impulse_noise(image: Image, amount: float, *, rng: Draws) -> Image:
    """Replace a part ``amount`` of the values, 0 to 1, by 255 or 0 with equal chances.

    ``image`` is uint8 (H, W, 3), of any size; so is the result. Every channel of a pixel is hit by
    itself, which makes the speckles coloured. Hendrycks & Dietterich, ICLR 2019.
    """
    return rng.noisy(image, SaltAndPepper(amount))
