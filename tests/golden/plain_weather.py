"""Literal float64 transcriptions of the specification's weather (§1.10 to §1.12, §1.19), as oracles."""

from __future__ import annotations

from math import ceil, cos, radians, sin
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from roadworthy.types import Image

Floats = NDArray[np.float64]


def quantised(values: Any) -> Image:
    """Clip values in [0, 1] and truncate them to 8 bits."""
    return np.asarray((np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8))


def plain_plasma(size: int, decay: float, state: np.random.RandomState) -> Floats:
    """Return the periodic plasma map of §1.12 in [0, 1]."""
    field = np.zeros((size, size))
    step, amplitude = size, 100.0
    while step >= 2:
        half, count = step // 2, size // step
        corners = np.arange(0, size, step)
        around = ((-half, -half), (half, -half), (-half, half), (half, half))
        beside = ((-half, 0), (half, 0), (0, -half), (0, half))
        for rows, columns, near in ((half, half, around), (0, half, beside), (half, 0, beside)):
            total = amplitude * state.uniform(-amplitude, amplitude, (count, count))
            for di, dj in near:
                i, j = (corners + rows + di) % size, (corners + columns + dj) % size
                total += field[np.ix_(i, j)] / 4
            field[np.ix_(corners + rows, corners + columns)] = total
        step, amplitude = half, amplitude / decay
    field -= field.min()
    return np.asarray(field / field.max())


def plain_fog(image: Image, thickness: float, decay: float, state: np.random.RandomState) -> Image:
    """§1.12."""
    x = image / 255.0
    height, width = x.shape[:2]
    size = 1 << (max(height, width) - 1).bit_length()
    plasma = plain_plasma(size, decay, state)[:height, :width, None]
    largest = x.max()
    return quantised((x + thickness * plasma) * largest / (largest + thickness))


def plain_zoom(field: Floats, factor: float) -> Floats:
    """Clipped zoom of §1.9, for squares."""
    side = field.shape[0]
    kept = ceil(side / factor)
    top = (side - kept) // 2
    part = field[top : top + kept, top : top + kept]
    large = ndimage.zoom(part, (factor, factor), order=1)
    trim = (large.shape[0] - side) // 2
    return np.asarray(large[trim : trim + side, trim : trim + side])


def plain_motion(layer: Image, radius: float, sigma: float, angle: float) -> Image:
    """§1.8 on one channel."""
    taps = np.arange(2 * ceil(radius) + 1)
    weights = np.exp(-(taps**2) / (2 * sigma**2))
    weights /= weights.sum()
    height, width = layer.shape
    rows, columns = np.arange(height), np.arange(width)
    total = np.zeros(layer.shape)
    for i, weight in zip(taps, weights, strict=True):
        right = ceil(i * cos(radians(angle)) - 0.5)
        down = ceil(i * sin(radians(angle)) - 0.5)
        y, x = np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)
        total += weight * 257.0 * layer[np.ix_(y, x)]
    return np.floor(np.floor(total + 0.5) * 255 / 65535 + 0.5).astype(np.uint8)


def plain_snow(image: Image, strengths: tuple[float, ...], state: np.random.RandomState) -> Image:
    """§1.10."""
    mean, spread, zoom, threshold, radius, sigma, weight = strengths
    x = image / 255.0
    layer = plain_zoom(state.normal(mean, spread, x.shape[:2]), zoom)
    layer[layer < threshold] = 0
    angle = state.uniform(-135, -45)
    layer = plain_motion(quantised(layer), radius, sigma, angle)[:, :, None] / 255.0
    grey = (x @ np.array([0.299, 0.587, 0.114]))[:, :, None]
    whitened = weight * x + (1 - weight) * np.maximum(x, 1.5 * grey + 0.5)
    return quantised(whitened + layer + np.rot90(layer, 2))


def plain_spatter(image: Image, strengths: tuple[Any, ...], state: np.random.RandomState) -> Image:
    """§1.19; OpenCV's Canny, distance transform and equalisation are part of the definition."""
    mean, spread, sigma, threshold, amount, kind = strengths
    x = image / 255.0
    layer = ndimage.gaussian_filter(
        state.normal(mean, spread, x.shape[:2]), sigma, mode="nearest", truncate=4
    )
    layer[layer < threshold] = 0
    if kind == "mud":
        mud = ndimage.gaussian_filter(
            (layer > threshold).astype(float), amount, mode="nearest", truncate=4
        )
        mud[mud < 0.8] = 0
        mud = mud[:, :, None]
        return quantised(x * (1 - mud) + mud * np.array([63, 42, 20]) / 255)
    # Beyond the range the 8-bit number wraps around: golden cell 32 / 3 shows it.
    liquid = (layer * 255).astype(np.int64).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5)
    distance = np.minimum(distance, 20).astype(np.float64)
    around = ndimage.uniform_filter(distance, 3, mode="mirror")
    # A hair above, since these sums over nine cancel to whole numbers wherever the distance is 20.
    flat = cv2.equalizeHist((around + 1e-6).astype(np.uint8)).astype(float)
    relief = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], float)
    raised = np.clip(ndimage.correlate(flat, relief, mode="mirror"), 0, 255)
    smooth = np.rint(ndimage.uniform_filter(raised, 3, mode="mirror"))
    film = liquid * smooth
    if film.max() == 0:
        return image
    film = (film / film.max() * amount)[:, :, None]
    return quantised(x + film * np.array([175, 238, 238]) / 255)


def plain_frost(
    image: Image,
    weights: tuple[float, float],
    textures: list[Image],
    state: np.random.RandomState,
) -> Image:
    """§1.11; the textures are RGB, already at the scale of the table."""
    texture = textures[state.randint(5)]
    height, width = image.shape[:2]
    row = state.randint(0, texture.shape[0] - height)
    column = state.randint(0, texture.shape[1] - width)
    crop = texture[row : row + height, column : column + width].astype(float)
    mixed = weights[0] * image.astype(float) + weights[1] * crop
    return np.clip(mixed + 1e-9, 0, 255).astype(np.uint8)
