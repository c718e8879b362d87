"""Fog: a bright fractal haze over the picture, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.plasma import plasma
from roadworthy.stress._kernels.truncation import truncated_mean
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    thickness, decay = arguments.get("thickness", 0.0), arguments.get("decay", 2.0)
    if not 0 <= thickness < inf:
        raise UsageError(f"fog: thickness is 0 (none) or larger, not {thickness}")
    if not 1 <= decay <= 100:
        raise UsageError(f"fog: decay is 1 (rough) to 100 (smooth), not {decay}")


@corruption(
    levels={
        224: ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)),
        299: ((1.5, 2.0), (2.0, 2.0), (2.5, 1.8), (2.5, 1.6), (3.0, 1.5)),
        64: ((0.4, 3.0), (0.7, 3.0), (1.0, 2.5), (1.5, 2.0), (2.0, 1.75)),
        32: ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)),
    },
    check=_check,
    version=2,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def fog(image: Image, thickness: float, decay: float, *, rng: Draws) -> Image:
    """Add ``thickness`` times a plasma map in [0, 1], then scale so that the maximum stays in range.

    ``image`` is uint8 (H, W, 3); so is the result. The map is the same in all channels: the top left
    of a periodic diamond-square fractal whose side is the next power of two, its noise falling by
    ``decay`` ** 2 from octave to octave (see ``plasma``). With M the largest value of the picture in
    [0, 1], the sum is multiplied by M / (M + thickness), so that a black picture stays black. Values
    are truncated, not rounded, to 8 bits, as published. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    largest = int(image.max())
    if largest == 0 or thickness == 0:
        return image.copy()
    side = 1 << (max(height, width) - 1).bit_length()
    # The published (x + t P) M / (M + t) is the mean of x and M P with these weights.
    kept = largest / (largest + 255.0 * thickness)
    haze = plasma(side, decay, rng=rng)[:height, :width] * np.float32(largest)
    return truncated_mean(image, kept, haze)
