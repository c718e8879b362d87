"""Snow: a layer of flakes, and a picture whitened under it."""

from __future__ import annotations

import cv2
import numpy as np

from roadworthy.stress._kernels.truncation import TRUNCATED, truncated_mean
from roadworthy.stress._kernels.zoom import enlarged, zoom_source_window
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def flakes(
    height: int,
    width: int,
    *,
    mean: float,
    spread: float,
    zoom: float,
    threshold: float,
    rng: Draws,
) -> Image:
    """Return flakes before they fall, uint8 (height, width).

    They are what a normal field of ``mean`` and ``spread``, in units of the full range and enlarged
    ``zoom`` times, leaves above ``threshold``; clipped and truncated to 8 bits, as published.
    Hendrycks & Dietterich, ICLR 2019.
    """
    window = zoom_source_window(height, width, zoom)
    part = rng.normal_field((height, width), window=window)
    part *= np.float32(spread)
    part += np.float32(mean)
    layer = enlarged(part, zoom, height, width)
    # Below the threshold becomes 0: the rest is then 0 or larger as the truncation needs.
    _, layer = cv2.threshold(layer, _below(threshold), 0.0, cv2.THRESH_TOZERO)
    return np.asarray(cv2.convertScaleAbs(layer, alpha=255.0, beta=TRUNCATED))


def _below(threshold: float) -> float:
    # OpenCV keeps what is larger; the definition keeps what is equal too.
    return float(np.nextafter(np.float32(threshold), np.float32(-np.inf)))


def under_snow(image: Image, layer: Image, keep: float) -> Image:
    """Return ``image``, uint8 (H, W, 3), whitened, with ``layer``, uint8 (H, W), falling twice.

    The picture is ``keep`` parts itself and 1 - ``keep`` parts the larger of itself and
    1.5 grey + 0.5; then the layer and the layer turned by half a circle are added, clipped and
    truncated. Hendrycks & Dietterich, ICLR 2019.
    """
    # Sums with the whole numbers of the layer may follow the truncation, and a value clipped early
    # stays so.
    return with_flakes(whitened(image, keep), layer)


def whitened(image: Image, keep: float) -> Image:
    """Return the whitened picture of ``under_snow`` without its flakes, truncated to 8 bits."""
    image = np.ascontiguousarray(image)
    # A mean with the larger of two is the larger of two means.
    light = cv2.transform(image.astype(np.float32), _LIGHT)
    white = truncated_mean(image, keep, light)
    return np.asarray(cv2.max(image, white))


def with_flakes(white: Image, layer: Image) -> Image:
    """Return ``white``, uint8 (H, W, 3), with ``layer``, uint8 (H, W), falling twice."""
    layers = cv2.cvtColor(cv2.add(layer, cv2.rotate(layer, cv2.ROTATE_180)), cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.add(white, layers))


_LIGHT = np.array([[1.5 * 0.299, 1.5 * 0.587, 1.5 * 0.114, 0.5 * 255.0]], np.float32)
