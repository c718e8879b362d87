"""Noise in proportion to the value, new in every frame, as in the extras of ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.stress._kernels.timeline import check_sequence, noise_frames
from roadworthy.stress.base import sequence
from roadworthy.stress.corruptions.speckle_noise import speckle_noise
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("speckle_noise_sequence", arguments, scale=(0, 1e3))


@sequence(
    tables={
        224: {"scale": (0.05, 0.1, 0.15)},
        299: {"scale": (0.06, 0.11, 0.16)},
        64: {"scale": (0.05, 0.1, 0.15)},
        32: {"scale": (0.05, 0.07, 0.1)},
    },
    compare="first",
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def speckle_noise_sequence(
    image: Image, *, scale: float, frames: int = 31, rng: Draws
) -> Iterator[Image]:
    """Yield ``image`` and then ``frames`` - 1 times ``image`` under new speckle noise.

    ``image`` is uint8 (H, W, 3); so is each frame. Values are multiplied by 1 + ``scale``·N with
    standard normal N, in the published data 0.05, 0.1 or 0.15 by ``difficulty`` for 224 pixels; clipped
    and truncated as the corruption ``speckle_noise``. Frames are compared with the first, clean one.
    Hendrycks & Dietterich, ICLR 2019.
    """
    return noise_frames(image, frames, lambda: speckle_noise.function(image, scale, rng=rng))
