"""Snow falls in a direction that turns, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.stress._kernels.flakes import flakes, whitened, with_flakes
from roadworthy.stress._kernels.motion import motion_blurred
from roadworthy.stress._kernels.timeline import check_sequence
from roadworthy.stress.base import sequence
from roadworthy.stress.draws import Draws
from roadworthy.types import Image

_IMAGENET = {"frames": 31, "mean": 0.05, "spread": 0.3, "zoom": 3.0, "radius": 14, "sigma": 4.0}
_SMALL = {**_IMAGENET, "zoom": 2.0, "radius": 10}


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence(
        "snow_sequence",
        arguments,
        mean=(-10, 10),
        spread=(0, 10),
        zoom=(1, 1e6),
        threshold=(0, 1),
        radius=(0, 1000),
        sigma=(1e-3, 1e6),
        keep=(0, 1),
        start=(-360, 360),
        step=(-180, 180),
    )


@sequence(
    tables={
        224: _IMAGENET,
        299: _IMAGENET,
        64: {**_SMALL, "spread": 0.28, "sigma": 2.5},
        32: {**_SMALL, "sigma": 2.0},
    },
    check=_check,
    version=2,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def snow_sequence(
    image: Image,
    *,
    frames: int,
    mean: float,
    spread: float,
    zoom: float,
    threshold: float = 0.5,
    radius: float,
    sigma: float,
    keep: float = 0.85,
    start: float = -150.0,
    step: float = 4.0,
    rng: Draws,
) -> Iterator[Image]:
    """Yield the whitened ``image`` under one layer of flakes that fall in a turning direction.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3); so is each frame. The layer of flakes
    is that of the corruption ``snow``, drawn once; in frame i it is blurred along ``start`` + i *
    ``step`` degrees with ``radius`` and ``sigma`` in pixels, and added twice, once upside down.
    ``keep`` is the share of the picture that is not whitened. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    layer = flakes(height, width, mean=mean, spread=spread, zoom=zoom, threshold=threshold, rng=rng)
    white = whitened(image, keep)
    for frame in range(frames):
        yield with_flakes(white, motion_blurred(layer, radius, sigma, start + step * frame))
