"""The five blurs as the specification's text has them, §1.5 to §1.9: literal, slow, in float64."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, cos, exp, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from roadworthy.types import Image

Floats = NDArray[np.float64]


def truncated(levels: Floats) -> Image:
    return np.asarray(np.clip(levels, 0, 255).astype(np.uint8))


def smoothed(x: Floats, sigma: float) -> Floats:
    return np.asarray(ndimage.gaussian_filter(x, (sigma, sigma, 0), mode="nearest", truncate=4.0))


def gaussian_blur(image: Image, sigma: float) -> Image:
    return truncated(np.clip(smoothed(image / 255.0, sigma), 0, 1) * 255)


def disk(radius: float, sigma: float) -> NDArray[np.float32]:
    reach = 8 if radius <= 8 else ceil(radius)
    x, y = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    flat = (x**2 + y**2 <= radius**2).astype(np.float32)
    taps = (3, 3) if radius <= 8 else (5, 5)
    border = cv2.BORDER_REFLECT_101
    return np.asarray(cv2.GaussianBlur(flat / flat.sum(), taps, sigma, None, sigma, border))


def defocus_blur(image: Image, radius: float, sigma: float) -> Image:
    kernel = disk(radius, sigma).astype(np.float64)
    x = image / 255.0
    channels = [ndimage.correlate(x[..., c], kernel, mode="mirror") for c in range(3)]
    return truncated(np.clip(np.stack(channels, -1), 0, 1) * 255)


def glass_blur(
    image: Image, sigma: float, displacement: int, passes: int, state: np.random.RandomState
) -> Image:
    y = truncated(smoothed(image / 255.0, sigma) * 255)
    for _ in range(passes):
        y = displaced(y, displacement, state)
    return truncated(np.clip(smoothed(y / 255.0, sigma), 0, 1) * 255)


def displaced(image: Image, reach: int, state: np.random.RandomState) -> Image:
    """Run one pass of the published loop: a copy one way, in place, from the end on.

    Drawing all pairs at once gives the numbers of drawing them one by one (tested).
    """
    height, width = image.shape[:2]
    count = max(0, height - 2 * reach) * max(0, width - 2 * reach)
    pairs = iter(state.randint(-reach, reach, size=(count, 2)).tolist())
    y = [list(map(tuple, row)) for row in image.tolist()]
    for h in range(height - reach, reach, -1):
        for w in range(width - reach, reach, -1):
            dx, dy = next(pairs)
            y[h][w] = y[h + dy][w + dx]
    return np.array(y, np.uint8)


def motion_blur(image: Image, radius: float, sigma: float, angle: float) -> Image:
    height, width = image.shape[:2]
    count = 2 * ceil(radius) + 1
    k = np.array([exp(-(i**2) / (2 * sigma**2)) for i in range(count)])
    k /= k.sum()
    total = np.zeros(image.shape)
    rows, columns = np.arange(height), np.arange(width)
    for i in range(count):
        dx = ceil(i * cos(radians(angle)) - 0.5)
        dy = ceil(i * sin(radians(angle)) - 0.5)
        y = np.clip(rows + dy, 0, height - 1)
        x = np.clip(columns + dx, 0, width - 1)
        total += k[i] * 257.0 * image[y][:, x]
    q16 = np.floor(total + 0.5)
    return np.asarray(np.floor(q16 * 255 / 65535 + 0.5).astype(np.uint8))


def clipped_zoom(x: Floats, factor: float) -> Floats:
    """Zoom a square field."""
    h = x.shape[0]
    c = ceil(h / factor)
    t = (h - c) // 2
    part = x[t : t + c, t : t + c]
    zoomed = ndimage.zoom(part, (factor, factor) + (1,) * (x.ndim - 2), order=1)
    u = (zoomed.shape[0] - h) // 2
    return np.asarray(zoomed[u : u + h, u : u + h])


def zoom_blur(image: Image, factors: Iterable[float]) -> Image:
    x = image / 255.0
    parts = [x] + [clipped_zoom(x, factor) for factor in factors]
    return truncated(np.clip(sum(parts, np.zeros_like(x)) / len(parts), 0, 1) * 255)


def uniform_angle(state: np.random.RandomState) -> float:
    return float(state.uniform(-45, 45))
