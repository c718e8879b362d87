"""Water and mud that spatter a picture, from a layer of drops."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._kernels.gaussian import gaussian
from roadworthy.stress._kernels.truncation import TRUNCATED
from roadworthy.stress.draws import Draws
from roadworthy.types import Image

Layer = NDArray[np.float32]

_WATER = (175, 238, 238)
_MUD = (63.0, 42.0, 20.0, 0.0)
_THIN = 0.8
_RELIEF = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)


def moisture(
    height: int, width: int, *, mean: float, spread: float, sigma: float, rng: Draws
) -> Layer:
    """Return a normal field (height, width), smoothed by ``sigma`` pixels and not normalised again.

    ``mean`` and ``spread``, before smoothing, are in units of the full range.
    """
    # Smoothed before it is scaled, so that float32 is exact to a few millionths of a level.
    field = gaussian(rng.normal_field((height, width)), sigma)
    field *= np.float32(spread)
    field += np.float32(mean)
    return field


def drops(field: Layer, threshold: float) -> Layer:
    """Return ``field`` where it is larger than ``threshold``, and 0 elsewhere."""
    return np.asarray(cv2.threshold(field, threshold, 0.0, cv2.THRESH_TOZERO)[1])


def under_water(image: Image, layer: Layer, amount: float) -> Image:
    """Return ``image``, uint8 (H, W, 3), with ``layer``, float32 (H, W), over it as turquoise water.

    ``layer`` is 0 where it is dry and in units of the full range elsewhere; ``amount`` is the
    brightness of its brightest drop. A layer without drops returns a copy (the published code
    divides by zero there and gives a black picture). Hendrycks & Dietterich, ICLR 2019.
    """
    film = _film(layer)
    largest = int(film.max())
    if largest == 0:
        return image.copy()
    # A whole number plus a fraction truncates to the number plus the truncated fraction.
    scale = amount / largest
    drops = [cv2.convertScaleAbs(film, alpha=scale * c, beta=TRUNCATED) for c in _WATER[:2]]
    return np.asarray(cv2.add(np.ascontiguousarray(image), cv2.merge((*drops, drops[1]))))


def _film(layer: Layer) -> NDArray[np.uint16]:
    # A drop brighter than the range wraps around, as published: 256 is 0.
    liquid = (layer * np.float32(255.0)).astype(np.int32).astype(np.uint8)
    inside = cv2.bitwise_not(cv2.Canny(liquid, 50, 150))
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    _, distance = cv2.threshold(distance, 20.0, 20.0, cv2.THRESH_TRUNC)
    flat = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    relief = cv2.blur(cv2.filter2D(flat, cv2.CV_8U, _RELIEF), (3, 3))
    return np.asarray(np.multiply(liquid, relief, dtype=np.uint16))


def under_mud(image: Image, layer: Layer, threshold: float, sigma: float) -> Image:
    """Return ``image``, uint8 (H, W, 3), with ``layer``, float32 (H, W), over it as brown mud.

    Mud is where the layer exceeds ``threshold``, smoothed by ``sigma`` pixels; what is then thinner
    than 0.8 is left out. Hendrycks & Dietterich, ICLR 2019.
    """
    _, mud = cv2.threshold(layer, threshold, 1.0, cv2.THRESH_BINARY)
    _, cover = cv2.threshold(gaussian(mud, sigma), _THIN, 0.0, cv2.THRESH_TOZERO)
    image = np.ascontiguousarray(image)
    change = cv2.subtract(_MUD, image, dtype=cv2.CV_32F)
    covered = cv2.multiply(cv2.cvtColor(cover, cv2.COLOR_GRAY2BGR), change, dst=change)
    cv2.accumulate(image, covered)
    return np.asarray(cv2.convertScaleAbs(covered, alpha=1.0, beta=TRUNCATED))
