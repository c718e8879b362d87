"""What pictures look like, in numbers that noise, blur, compression, weather and light each move."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.types import Image

Plane = NDArray[np.float32]
Measures = NDArray[np.float64]

FINE = 0.25
"""Levels added before logarithms: what rounding to whole levels makes of nothing."""


def noise_of(luma: Plane) -> float:
    """Return the standard deviation of the finest detail, in levels, by its median.

    The diagonal Haar detail of 2 x 2 pixels, over 0.6745: edges hardly move a median (Donoho and
    Johnstone, 1994).
    """
    return float(np.median(np.abs(_diagonal(luma)))) / 0.6745


def sharpness_of(luma: Plane) -> float:
    """Return the mean size of the gradient, in levels a pixel."""
    return float(np.abs(np.diff(luma, axis=0)).mean() + np.abs(np.diff(luma, axis=1)).mean())


def luma_of(image: Image) -> Plane:
    """Return the luma of RGB pixels (H, W, 3), float32."""
    found: Plane = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return found


NAMES = (
    "mean brightness",
    "contrast",
    "darkest pixels",
    "brightest pixels",
    "saturation",
    "noise",
    "detail at 2 pixels",
    "detail at 4 pixels",
    "detail at 8 pixels",
    "noise of colour",
    "spikes",
    "noise of bright parts",
    "direction of edges",
    "even neighbours",
    "edges at 8 x 8 blocks",
)
"""What `measures_of` measures, in its order."""


def measures_of(image: Image) -> Measures:
    """Return the measures of a picture, uint8 (H, W, 3) of at least 16 pixels a side, (15,)."""
    luma = luma_of(image)
    hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV)
    colour = image[:, :, 0].astype(np.float32) - image[:, :, 1]
    detail = _diagonal(luma)
    low, high = np.percentile(luma, (2, 98))
    octaves = [float(np.abs(_diagonal(plane)).mean()) for plane in _halves(luma, 3)]
    return np.array(
        [
            luma.mean() / 255,
            np.log(luma.std() + FINE),
            low / 255,
            high / 255,
            hsv[:, :, 1].mean() / 255,
            np.log(noise_of(luma) + FINE),
            *(np.log(octave + FINE) for octave in octaves),
            np.log(noise_of(colour) + FINE),
            np.log(_spikes(detail)),
            _brighter(luma, detail),
            _direction(luma),
            _even(luma),
            _blocks(luma),
        ],
        np.float64,
    )


def _diagonal(plane: Plane) -> Plane:
    rows, columns = (side // 2 * 2 for side in plane.shape)
    p = plane[:rows, :columns]
    return (p[::2, ::2] - p[1::2, ::2] - p[::2, 1::2] + p[1::2, 1::2]) / np.float32(2)


def _halves(plane: Plane, count: int) -> list[Plane]:
    """Return ``plane`` shrunk by means of 2 x 2 pixels once, twice and so on."""
    found = []
    for _ in range(count):
        rows, columns = (max(2, side // 2 * 2) for side in plane.shape)
        p = plane[:rows, :columns]
        plane = (p[::2, ::2] + p[1::2, ::2] + p[::2, 1::2] + p[1::2, 1::2]) / np.float32(4)
        found.append(plane if min(plane.shape) >= 2 else np.zeros((2, 2), np.float32))
    return found


def _spikes(detail: Plane) -> float:
    """Return how heavy the tails of the finest detail are: its deviation over its median one."""
    return float((detail.std() + FINE) / (np.median(np.abs(detail)) / 0.6745 + FINE))


def _brighter(luma: Plane, detail: Plane) -> float:
    """Return the logarithm of the noise in the brighter half over that in the darker one."""
    rows, columns = detail.shape
    level = luma[: 2 * rows : 2, : 2 * columns : 2]
    bright = level > np.median(level)
    sizes = [
        np.median(np.abs(detail[where])) if where.any() else 0.0 for where in (bright, ~bright)
    ]
    return float(np.log((sizes[0] + FINE) / (sizes[1] + FINE)))


def _direction(luma: Plane) -> float:
    """Return the coherence of the structure tensor, 0 where edges go in all directions alike."""
    y, x = np.gradient(luma)
    xx, yy, xy = float((x * x).mean()), float((y * y).mean()), float((x * y).mean())
    return float(np.hypot(xx - yy, 2 * xy) / max(xx + yy, 1e-6))


def _even(luma: Plane) -> float:
    """Return the logit of the share of neighbours that differ by less than one level."""
    share = float((np.abs(np.diff(luma, axis=1)) < 1).mean())
    return float(np.log((share + 0.01) / (1.01 - share)))


def _blocks(luma: Plane) -> float:
    """Return the logarithm of the mean step across the sides of 8 x 8 blocks over that elsewhere."""
    found = []
    for steps in (np.abs(np.diff(luma, axis=1)), np.abs(np.diff(luma, axis=0)).T):
        at = np.arange(steps.shape[1]) % 8 == 7
        found.append((steps[:, at].mean() + FINE) / (steps[:, ~at].mean() + FINE))
    return float(np.log(np.mean(found)))
