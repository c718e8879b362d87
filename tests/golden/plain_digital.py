"""The digital corruptions as the specification words them, in plain float64 and no other library."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from roadworthy.types import Image

Floats = NDArray[np.float64]


def to_hsv(image: Image) -> tuple[Floats, Floats, Floats]:
    x = image / 255.0
    value, low = x.max(-1), x.min(-1)
    spread = value - low
    saturation = np.where(value > 0, spread / np.where(value > 0, value, 1), 0)
    safe = np.where(spread > 0, spread, 1)
    r, g, b = np.moveaxis(x, -1, 0)
    hue = np.where(
        value == r, (g - b) / safe, np.where(value == g, 2 + (b - r) / safe, 4 + (r - g) / safe)
    )
    return np.where(spread > 0, (hue / 6) % 1.0, 0), saturation, value


def from_hsv(hue: Floats, saturation: Floats, value: Floats) -> Floats:
    sextant = np.floor(hue * 6)
    f = hue * 6 - sextant
    p = value * (1 - saturation)
    q = value * (1 - f * saturation)
    t = value * (1 - (1 - f) * saturation)
    v = value
    table = [(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)]
    chosen = np.stack([np.stack(c, -1) for c in table])
    index = (sextant.astype(int) % 6)[None, ..., None]
    return np.asarray(np.take_along_axis(chosen, np.broadcast_to(index, (1, *v.shape, 3)), 0)[0])


def truncated(x: Floats) -> Image:
    levels: Image = (np.clip(x, 0, 1) * 255).astype(np.uint8)
    return levels


def brightness(image: Image, amount: float) -> Image:
    hue, saturation, value = to_hsv(image)
    return truncated(from_hsv(hue, saturation, np.clip(value + amount, 0, 1)))


def saturate(image: Image, factor: float, offset: float) -> Image:
    hue, saturation, value = to_hsv(image)
    return truncated(from_hsv(hue, np.clip(saturation * factor + offset, 0, 1), value))


def contrast(image: Image, factor: float) -> Image:
    x = image / 255.0
    mean = x.mean(axis=(0, 1), keepdims=True)
    return truncated((x - mean) * factor + mean)


def pixelate(image: Image, fraction: float) -> Image:
    height, width = image.shape[:2]
    small = (max(1, int(width * fraction)), max(1, int(height * fraction)))
    picture = Pillow.fromarray(image).resize(small, Pillow.Resampling.BOX)
    return np.asarray(picture.resize((width, height), Pillow.Resampling.BOX))


def jpeg_compression(image: Image, quality: int) -> Image:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Pillow.open(file).convert("RGB"))


def mirrored(index: NDArray[np.int64], size: int, *, edge: bool) -> NDArray[np.int64]:
    """Where an index outside of range(size) reads: d c b | a b c d, or with the edge, c b a | a b c."""
    if edge:
        index = index % (2 * size)
        return np.where(index < size, index, 2 * size - 1 - index)
    index = index % max(1, 2 * size - 2)
    return np.where(index < size, index, 2 * size - 2 - index)


def bilinear(image: Floats, y: Floats, x: Floats, *, edge: bool) -> Floats:
    height, width = image.shape[:2]
    top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    total = np.zeros(image.shape)
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - down - (y - top)) * np.abs(1 - right - (x - left))
            rows = mirrored(top + down, height, edge=edge)
            columns = mirrored(left + right, width, edge=edge)
            total += weight[..., None] * image[rows, columns]
    return total


def smoothed(field: Floats, sigma: float) -> Floats:
    """Gaussian, radius int(3 sigma + .5), mirrored with the edge, down the rows and then across."""
    radius = int(3 * sigma + 0.5)
    if radius == 0:
        return field
    offsets = range(-radius, radius + 1)
    weights = np.array([math.exp(-0.5 * (k / sigma) ** 2) for k in offsets])
    weights /= weights.sum()
    for _ in (0, 1):
        here = np.arange(len(field))
        matrix = np.zeros((len(field), len(field)))
        for k, w in zip(offsets, weights, strict=True):
            matrix[here, mirrored(here + k, len(field), edge=True)] += w
        field = (matrix @ field).T
    return field


def elastic_transform(
    image: Image, amplitude: float, sigma: float, displacement: float, state: np.random.RandomState
) -> Image:
    height, width = image.shape[:2]
    x = (image / np.float32(255)).astype(np.float64)
    c, q = np.array([width // 2, height // 2]), min(height, width) // 3
    source = np.float32(np.array([[q, q], [q, -q], [-q, -q]]) + c)
    target = np.float32(source + state.uniform(-displacement, displacement, (3, 2)))
    ones = np.ones((3, 1))
    matrix = np.linalg.solve(np.hstack([source, ones]).astype(np.float64), target).T
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    down, across = np.arange(height)[:, None], np.arange(width)
    place = [
        (
            (np.rint((m[1] * down + m[2]) * 1024) + 16 + np.rint(m[0] * across * 1024)).astype(int)
            >> 5
        )
        / 32
        for m in inverse[:2]
    ]
    moved = bilinear(x, place[1], place[0], edge=False)
    fields = [
        np.float32(amplitude * smoothed(state.uniform(-1, 1, (height, width)), sigma))
        for _ in range(2)
    ]
    rows, columns = np.mgrid[:height, :width]
    return truncated(bilinear(moved, rows + fields[1], columns + fields[0], edge=True))
