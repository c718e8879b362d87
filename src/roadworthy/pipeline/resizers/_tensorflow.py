"""The weights of TensorFlow's resize operations, by their formulas, in float32 as its kernels are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Taps = tuple[NDArray[np.int64], Floats]
"""Which inputs make each output, (outputs, taps), and their weights."""

Centres = Literal["half-pixel", "asymmetric", "align-corners"]
"""Where output i lies: at (i + 0.5) s - 0.5, at i s, or so that the corners fall on each other."""

TABLE = 1024
"""Steps between two pixels at which cubic weights are tabulated."""


def positions(count: int, outputs: int, centres: Centres) -> Floats:
    """Return where each output lies on the axis of the inputs."""
    aligned = centres == "align-corners" and outputs > 1
    scale = np.float32(count - 1 if aligned else count) / np.float32(
        outputs - 1 if aligned else outputs
    )
    index = np.arange(outputs, dtype=np.float32)
    if centres == "half-pixel":
        return (index + np.float32(0.5)) * scale - np.float32(0.5)
    return index * scale


def nearest(count: int, outputs: int, centres: Centres) -> Taps:
    """Return the one input of each output: rounded down, or half up where the corners are aligned."""
    found = positions(count, outputs, "asymmetric" if centres == "half-pixel" else centres)
    if centres == "half-pixel":
        scale = np.float32(count) / np.float32(outputs)
        found = (np.arange(outputs, dtype=np.float32) + np.float32(0.5)) * scale
    found = np.floor(found + np.float32(0.5) * (centres == "align-corners"))
    index = np.minimum(found.astype(np.int64), count - 1)[:, None]
    return index, np.ones(index.shape, np.float32)


def bilinear(count: int, outputs: int, centres: Centres) -> Taps:
    """Return the two inputs around each output, the edge repeated."""
    found = positions(count, outputs, centres)
    low, part = np.floor(found), found - np.floor(found)
    index = np.stack([low, np.ceil(found)], axis=1).astype(np.int64)
    return index.clip(0, count - 1), np.stack([1 - part, part], axis=1)


def bicubic(count: int, outputs: int, centres: Centres) -> Taps:
    """Return the four inputs around each output, their weights read off a table of 1024 steps.

    With half-pixel centres a = -0.5, and what lies beyond the edge gets no weight; the legacy ones
    have a = -0.75 and repeat the edge.
    """
    found = positions(count, outputs, centres)
    low = np.floor(found)
    step = np.rint((found - low) * TABLE) / TABLE
    index = low.astype(np.int64)[:, None] + np.arange(-1, 3)
    keys = centres == "half-pixel"
    weights = cubic(np.stack([step + 1, step, 1 - step, 2 - step], axis=1), -0.5 if keys else -0.75)
    if keys:
        weights = weights * ((index >= 0) & (index < count))
        weights = weights / weights.sum(axis=1, keepdims=True)
    return index.clip(0, count - 1), weights


def area(count: int, outputs: int) -> Taps:
    """Return what each output covers, by how much of it: i s to (i + 1) s."""
    scale = np.float32(count) / np.float32(outputs)
    begin = np.arange(outputs, dtype=np.float32) * scale
    end = np.arange(1, outputs + 1, dtype=np.float32) * scale
    taps = int(np.ceil(scale)) + 1
    index = np.floor(begin).astype(np.int64)[:, None] + np.arange(taps)
    covered = np.minimum(index + 1, end[:, None]) - np.maximum(index, begin[:, None])
    return index.clip(0, count - 1), np.maximum(covered, 0) / scale


def spanned(
    count: int, outputs: int, kernel: Callable[[Floats], Floats], radius: float, *, antialias: bool
) -> Taps:
    """Return all inputs within ``radius`` of each output, wider by the scale if antialiased.

    Half-pixel centres; beyond the edge there is nothing, and weights are made to sum to 1.
    """
    scale = np.float32(1) / (np.float32(outputs) / np.float32(count))  # rounded twice, as there
    wider = max(scale, np.float32(1)) if antialias else np.float32(1)
    centre = (np.arange(outputs, dtype=np.float32) + np.float32(0.5)) * scale
    reach = np.float32(radius) * wider
    first = np.ceil(centre - reach - np.float32(0.5)).astype(np.int64)
    last = np.floor(centre + reach - np.float32(0.5)).astype(np.int64)
    index = first[:, None] + np.arange(int((last - first).max()) + 1)
    inside = (index >= 0) & (index < count) & (index <= last[:, None])
    away = np.abs(index.astype(np.float32) + np.float32(0.5) - centre[:, None])
    weights = kernel(away * (np.float32(1) / wider)) * inside
    return index.clip(0, count - 1), weights / weights.sum(axis=1, keepdims=True)


def triangle(x: Floats) -> Floats:
    """1 - |x| within 1."""
    result: Floats = np.maximum(0, 1 - x)
    return result


def cubic(x: Floats, a: float = -0.5) -> Floats:
    """Return the piecewise cubic with slope ``a`` at 1 (Keys, 1981); zero from 2 on."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def mitchell(x: Floats) -> Floats:
    """Return the cubic with B = C = 1/3 (Mitchell and Netravali, 1988)."""
    near = (7 / 6 * x - 2) * x * x + 8 / 9
    far = ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def lanczos(x: Floats, radius: int) -> Floats:
    """Return sinc(x) sinc(x / radius) within ``radius``."""
    return np.where(x > radius, 0, np.sinc(x) * np.sinc(x / radius))


def gaussian(x: Floats) -> Floats:
    """Return a Gaussian of standard deviation 0.5, cut off at 1.5."""
    return np.where(x >= 1.5, 0, np.exp(-2 * x * x))
