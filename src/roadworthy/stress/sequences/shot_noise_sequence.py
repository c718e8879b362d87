"""Photon noise, new in every frame, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.stress._kernels.timeline import check_sequence, noise_frames
from roadworthy.stress.base import sequence
from roadworthy.stress.corruptions.shot_noise import MOST_PHOTONS, shot_noise
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("shot_noise_sequence", arguments, photons=(1e-6, MOST_PHOTONS))


@sequence(
    tables={
        224: {"photons": (300, 120, 60)},
        299: {"photons": (250, 100, 50)},
        64: {"photons": (500, 250, 125)},
        32: {"photons": (700, 400, 200)},
    },
    compare="first",
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def shot_noise_sequence(
    image: Image, *, photons: float, frames: int = 31, rng: Draws
) -> Iterator[Image]:
    """Yield ``image`` and then ``frames`` - 1 times ``image`` under new photon noise.

    ``image`` is uint8 (H, W, 3); so is each frame. ``photons`` stand for a full value, in the published
    data 300, 120 or 60 by ``difficulty`` for 224 pixels; Poisson noise, clipped and truncated as the
    corruption ``shot_noise``. Frames are compared with the first, clean one.
    Hendrycks & Dietterich, ICLR 2019.
    """
    return noise_frames(image, frames, lambda: shot_noise.function(image, photons, rng=rng))
