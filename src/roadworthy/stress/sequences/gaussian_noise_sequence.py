"""Gaussian noise, new in every frame, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.stress._kernels.timeline import check_sequence, noise_frames
from roadworthy.stress.base import sequence
from roadworthy.stress.corruptions.gaussian_noise import gaussian_noise
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("gaussian_noise_sequence", arguments, scale=(0, 1e3))


@sequence(
    tables={
        224: {"scale": (0.03, 0.05, 0.08)},
        299: {"scale": (0.035, 0.055, 0.085)},
        64: {"scale": (0.025, 0.05, 0.075)},
        32: {"scale": (0.02, 0.04, 0.06)},
    },
    compare="first",
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def gaussian_noise_sequence(
    image: Image, *, scale: float, frames: int = 31, rng: Draws
) -> Iterator[Image]:
    """Yield ``image`` and then ``frames`` - 1 times ``image`` under new Gaussian noise.

    ``image`` is uint8 (H, W, 3); so is each frame. ``scale`` is the standard deviation in units of the
    full range, in the published data 0.03, 0.05 or 0.08 by ``difficulty`` for 224 pixels; clipped and
    truncated as the corruption ``gaussian_noise``. Frames are compared with the first, clean one.
    Hendrycks & Dietterich, ICLR 2019.
    """
    return noise_frames(image, frames, lambda: gaussian_noise.function(image, scale, rng=rng))
