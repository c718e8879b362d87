"""Literal float64 transcriptions of the specification's sequences (§2.2), as oracles.

Each function returns frame ``i`` alone, so that none leans on the frame before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, cos, hypot, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray
from plain_weather import plain_motion, quantised
from scipy import ndimage

from roadworthy.types import Image

Floats = NDArray[np.float64]
Point = tuple[Floats, Floats]


def plain_rotate(image: Image, i: int) -> Image:
    """Turn by i - 15 degrees."""
    return _affine(image, radians(i - 15), 0.0, 1.0)


def plain_shear(image: Image, i: int) -> Image:
    """Shear by i - 15 degrees."""
    return _affine(image, 0.0, radians(i - 15), 1.0)


def plain_scale(image: Image, i: int) -> Image:
    """Scale by .40 + .025 i."""
    return _affine(image, 0.0, 0.0, 0.40 + 0.025 * i)


def plain_zoom_blur(image: Image, i: int) -> Image:
    """Mean of the scales 1 + .004 j, j = 0 to i."""
    key = (image.tobytes(), image.shape)
    pictures = [_scaled(*key, 1 + 0.004 * j).astype(float) for j in range(i + 1)]
    return np.asarray(np.floor(np.sum(pictures, axis=0) / (i + 1)), np.uint8)


@lru_cache(maxsize=31)
def _scaled(data: bytes, shape: tuple[int, ...], factor: float) -> Image:
    return _affine(np.frombuffer(data, np.uint8).reshape(shape), 0.0, 0.0, factor)


def plain_tilt(image: Image, i: int) -> Image:
    """See the picture at i - 15 degrees about both axes, on OpenCV 4's grid of 1/32 pixel."""
    height, width = image.shape[:2]
    inverse = cv2.invert(_tilt(width, height, radians(i - 15)))[1]

    def source(u: Floats, v: Floats) -> Point:
        x, y, z = np.tensordot(inverse, np.stack([u, v, np.ones_like(u)]), axes=1)
        return np.rint(x * (32 / z)) / 32, np.rint(y * (32 / z)) / 32

    u, v = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
    x, y = source(u, v)
    values = _bilinear(np.pad(image, ((1, 1), (1, 1), (0, 0))), x + 1, y + 1)
    return np.floor(values + 0.5).astype(np.uint8)


def _tilt(width: int, height: int, angle: float) -> Floats:
    focal = hypot(width, height)

    def seen(u: float, v: float) -> Floats:
        x, y, z = u - width / 2, v - height / 2, 1.0
        x, z = x * cos(angle) - z * sin(angle), x * sin(angle) + z * cos(angle)
        y, z = y * cos(angle) - z * sin(angle), y * sin(angle) + z * cos(angle)
        z += focal
        return np.array([focal * x + width / 2 * z, focal * y + height / 2 * z, z])

    # Homogeneous images of three points give the matrix: its columns are their differences.
    origin = seen(0, 0)
    return np.stack([seen(1, 0) - origin, seen(0, 1) - origin, origin], axis=1)


def plain_brightness(image: Image, i: int) -> Image:
    """Go to HSV and back (§1.13) with the value raised by (i - 15) * .02."""
    red, green, blue = np.moveaxis(image / 255.0, -1, 0)
    value = np.max(image / 255.0, axis=-1)
    spread = value - np.min(image / 255.0, axis=-1)
    some = np.where(spread > 0, spread, 1)
    saturation = spread / np.where(value > 0, value, 1)
    hue = np.select(
        [spread == 0, value == red, value == green],
        [0 * value, (green - blue) / some, 2 + (blue - red) / some],
        4 + (red - green) / some,
    )
    six = 6 * (hue / 6 % 1)
    value = np.clip(value + (i - 15) * 0.02, 0, 1)
    sextant, share = np.floor(six).astype(int) % 6, six - np.floor(six)
    p = value * (1 - saturation)
    q = value * (1 - share * saturation)
    t = value * (1 - (1 - share) * saturation)
    order = [(value, t, p), (q, value, p), (p, value, t), (p, q, value), (t, p, value)]
    channels = np.array([*order, (value, p, q)])
    return quantised(np.moveaxis(np.take_along_axis(channels, sextant[None, None], 0)[0], 0, -1))


def plain_gaussian_blur(image: Image, i: int) -> Image:
    """Smooth with sigma .25 + .035 i, six standard deviations wide."""
    sigma = 0.25 + 0.035 * i
    planes = [
        ndimage.gaussian_filter(image[..., c].astype(float), sigma, mode="nearest", truncate=6)
        for c in range(3)
    ]
    return (np.stack(planes, axis=-1) + 1e-9).astype(np.uint8)


def plain_motion_blur(image: Image, i: int) -> Image:
    """Smear in the direction 4 (i - 30) degrees."""
    planes = [plain_motion(image[..., c], 10, 3, 4 * (i - 30)) for c in range(3)]
    return np.stack(planes, axis=-1)


def plain_translate(image: Image, i: int) -> Image:
    """Shift to the right by i - 20 pixels."""
    width = image.shape[1]
    moved = np.zeros_like(image)
    for column in range(width):
        source = column - (i - 20)
        if 0 <= source < width:
            moved[:, column] = image[:, source]
    return moved


def plain_snow(image: Image, i: int, state: np.random.RandomState) -> Image:
    """Let one fixed layer of flakes fall in the direction 4 i - 150 degrees."""
    x = image / 255.0
    layer = plain_clipped_zoom(state.normal(0.05, 0.3, x.shape[:2]), 3)
    layer[layer < 0.5] = 0
    fallen = plain_motion(quantised(layer), 14, 4, 4 * i - 150)[:, :, None] / 255.0
    grey = (x @ np.array([0.299, 0.587, 0.114]))[:, :, None]
    whitened = 0.85 * x + 0.15 * np.maximum(x, 1.5 * grey + 0.5)
    return quantised(whitened + fallen + np.rot90(fallen, 2) + 1e-12)


def plain_spatter(image: Image, i: int, state: np.random.RandomState) -> Image:
    """Let drops creep for i frames; OpenCV's filters are part of the definition."""
    x = image / 255.0
    layer = ndimage.gaussian_filter(
        state.normal(0.65, 0.27, x.shape[:2]), 3.7, mode="nearest", truncate=4
    )
    layer[layer < 0.69] = 0
    for _ in range(i):
        columns = [np.convolve(c, [0.05, 0.1, 0.15, 0.7], mode="same") for c in layer.T]
        layer = np.stack(columns, axis=1)
    liquid = (layer * 255).astype(np.uint8)
    distance = np.minimum(
        cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5), 20
    )
    flat = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    raised = cv2.filter2D(flat, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
    film = liquid * cv2.blur(raised, (3, 3)).astype(float)
    if film.max() == 0:
        return image
    film = (film / film.max() * 0.6)[:, :, None]
    return quantised(x + film * np.array([175, 238, 238]) / 255 + 1e-12)


def plain_clipped_zoom(field: Floats, factor: float) -> Floats:
    """Clipped zoom of §1.9, rows by the height and columns by the width."""
    height, width = field.shape
    rows, columns = ceil(height / factor), ceil(width / factor)
    top, left = (height - rows) // 2, (width - columns) // 2
    large = ndimage.zoom(field[top : top + rows, left : left + columns], factor, order=1)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return np.asarray(large[top : top + height, left : left + width])


def _affine(image: Image, angle: float, shear: float, scale: float) -> Image:
    """Sample at the inverse map of torchvision 0.2; pixels truncated, black outside."""
    # Whole levels must not be missed from below where Pillow does not miss them, so the matrix and
    # its offset are added up in the order of torchvision, and the point in that of Pillow.
    height, width = image.shape[:2]
    center = (width * 0.5 + 0.5, height * 0.5 + 0.5)
    a, s = angle, shear
    factor = 1 / scale / (cos(a + s) * cos(a) + sin(a + s) * sin(a))
    rows = [[cos(a + s) * factor, sin(a + s) * factor], [-sin(a) * factor, cos(a) * factor]]
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x, y = (
        m[0] * u + m[1] * v + (m[0] * -center[0] + m[1] * -center[1] + middle)
        for m, middle in zip(rows, center, strict=True)
    )
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    values = _bilinear(image, x - 0.5, y - 0.5)
    return np.where(inside[..., None], np.floor(values), 0).astype(np.uint8)


def _bilinear(image: Image, x: Floats, y: Floats) -> Floats:
    """Interpolate at pixel indices (x, y); beyond the first and last index, their value."""
    height, width = image.shape[:2]
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right_share, down_share = (x - left)[..., None], (y - top)[..., None]

    def at(row: NDArray[np.int64], column: NDArray[np.int64]) -> Floats:
        inside = image[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
        return np.asarray(inside, float)

    above = at(top, left) + (at(top, left + 1) - at(top, left)) * right_share
    below = at(top + 1, left) + (at(top + 1, left + 1) - at(top + 1, left)) * right_share
    return np.asarray(above + (below - above) * down_share)


DETERMINISTIC: dict[str, Callable[[Image, int], Image]] = {
    "rotate": plain_rotate,
    "shear": plain_shear,
    "scale": plain_scale,
    "tilt": plain_tilt,
    "translate": plain_translate,
    "zoom_blur_sequence": plain_zoom_blur,
    "brightness_sequence": plain_brightness,
    "gaussian_blur_sequence": plain_gaussian_blur,
    "motion_blur_sequence": plain_motion_blur,
}
