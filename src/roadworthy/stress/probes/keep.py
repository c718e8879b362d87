"""A part of every picture is kept, the rest is one colour: how much of it does a model need?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import UsageError
from roadworthy.pipeline.native import opencv
from roadworthy.stress.base import image_stress
from roadworthy.stress.draws import Draws
from roadworthy.types import Image

Region = Literal["border", "centre", "random", "edges"]

IMAGENET_MEAN = (124, 116, 104)
"""The mean colour of ImageNet in 8 bits: about 0 once a network has normalised it."""


def _check(arguments: Mapping[str, Any]) -> None:
    if not 0 < arguments["fraction"] <= 1:
        raise UsageError(
            "keep: fraction is the share of the pixels that stays, above 0 up to 1, not "
            f"{arguments['fraction']}"
        )
    if not all(0 <= level <= 255 for level in arguments["fill"]):
        raise UsageError(f"keep: fill is a colour of three levels 0..255, not {arguments['fill']}")


def _kept(
    image: Image,
    region: Region,
    *,
    fraction: float,
    fill: tuple[int, int, int] = IMAGENET_MEAN,
    rng: Draws,
) -> NDArray[np.bool_]:
    del fill
    return kept_of(_ranks(image, region, rng), fraction)


@image_stress(level="fraction", check=_check, keeps=_kept, paper="Carter et al., NeurIPS 2021")
def keep(
    image: Image,
    region: Region,
    *,
    fraction: float,
    fill: tuple[int, int, int] = IMAGENET_MEAN,
    rng: Draws,
) -> Image:
    """Keep ``fraction`` of the pixels of ``image`` and give all others the colour ``fill``.

    ``image`` is uint8 (H, W, 3); so is the result. ``border`` keeps what is nearest to the edge of the
    picture, ``centre`` what is furthest from it, ``random`` pixels drawn for each image, ``edges``
    those where brightness changes most (Sobel). The number kept is the fraction rounded up; of
    pixels alike, those of upper rows and then of left columns. ``fill`` is ImageNet's mean colour
    unless said otherwise. Carter, Jain, Mueller & Gifford, NeurIPS 2021, find that networks classify
    ImageNet from borders.
    """
    kept = _kept(image, region, fraction=fraction, rng=rng)
    result = np.empty_like(image)
    result[:] = fill
    result[kept] = image[kept]
    return result


def kept_of(ranks: NDArray[Any], fraction: float) -> NDArray[np.bool_]:
    """Return which pixels (H, W) are kept: the ``fraction``, rounded up, of the smallest ranks."""
    count = int(np.ceil(np.round(fraction * ranks.size, 6)))
    kept = np.zeros(ranks.size, np.bool_)
    kept[np.argsort(ranks, axis=None, kind="stable")[:count]] = True
    return kept.reshape(ranks.shape)


def _ranks(image: Image, region: Region, rng: Draws) -> NDArray[Any]:
    """Return a number for each pixel (H, W); those with the smallest are kept."""
    height, width = image.shape[:2]
    if region == "random":
        return rng.uniform(0.0, 1.0, (height, width))
    if region == "edges":
        return -_steepness(image)
    rows, columns = np.ogrid[0:height, 0:width]
    inwards: NDArray[Any] = np.minimum(
        np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)
    )
    return inwards if region == "border" else -inwards


def _steepness(image: Image) -> NDArray[np.float32]:
    cv = opencv()
    grey = cv.cvtColor(image, cv.COLOR_RGB2GRAY)
    across, down = (cv.Sobel(grey, cv.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    steep: NDArray[np.float32] = np.hypot(across, down)
    return steep
