"""Ice crystals drawn as lines: arms that grow from seeds, with branches on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SHIFT = 4  # coordinates in sixteenths of a pixel
_SHADES = 12
_LAYERS = 5


@dataclass(frozen=True)
class Growth:
    """How crystals grow: lengths in pixels, angles in radians, shares of the arm's length.

    ``fan`` is the angle over which the ``arms`` of a seed spread; 2 pi makes a star. ``dimmest`` is the
    least share of its crystal's brightness that an arm has.
    """

    spacing: float
    arms: int
    length: float
    spread: float
    fan: float
    branches: int
    branch_share: float
    branch_angle: float
    width: tuple[int, int]
    dimmest: float = 0.8


def crystals(shape: tuple[int, int], growth: Growth, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return crystals in grey, uint8, each bright at its seed, with a dark edge that gives relief."""
    canvas = np.full(shape, 90, np.uint8)
    for _ in range(_LAYERS):
        starts, ends, shades = _segments(shape, growth, rng)
        width = int(rng.integers(growth.width[0], growth.width[1] + 1))
        _draw(canvas, starts + 0.7, ends + 0.7, shades * 0.25, width, cv2.LINE_8)
        _draw(canvas, starts, ends, shades, width, cv2.LINE_AA)
    return canvas


def _segments(
    shape: tuple[int, int], growth: Growth, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    seeds = _seeds(shape, growth.spacing * _LAYERS**0.5, rng)
    towards = rng.uniform(0, 2 * pi, len(seeds))[:, None]
    step = growth.fan / growth.arms
    angles = towards + step * (np.arange(growth.arms) + rng.normal(0, 0.15, (len(seeds), 1)))
    angles = (angles + rng.normal(0, 0.2 * step, angles.shape)).ravel()
    size = np.exp(rng.normal(np.log(growth.length), growth.spread, (len(seeds), 1)))
    lengths = (size * rng.uniform(0.5, 1.2, (len(seeds), growth.arms))).ravel()
    starts = np.repeat(seeds, growth.arms, axis=0)
    ends = starts + lengths[:, None] * _direction(angles)
    bright = np.repeat(rng.uniform(0.6, 1.0, len(seeds)), growth.arms)
    bright = bright * rng.uniform(growth.dimmest, 1.0, len(angles))
    if growth.branches == 0:
        return starts, ends, bright
    along = (np.arange(growth.branches) + 1) / (growth.branches + 1)
    parts = [(starts, ends, bright)]
    for side in (-1.0, 1.0):
        turned = angles[:, None] + side * growth.branch_angle
        turned = turned + rng.normal(0, 0.12, (len(angles), growth.branches))
        reach = lengths[:, None] * growth.branch_share * (1.05 - along)
        reach = reach * rng.uniform(0.6, 1.1, reach.shape)
        roots = (
            starts[:, None] + (lengths[:, None] * along)[..., None] * _direction(angles)[:, None]
        )
        tips = roots + reach[..., None] * _direction(turned)
        fading = bright[:, None] * (1.0 - 0.45 * along)
        parts.append((roots.reshape(-1, 2), tips.reshape(-1, 2), fading.ravel()))
    starts, ends, shades = (np.concatenate(p) for p in zip(*parts, strict=True))
    return starts, ends, shades


def _seeds(shape: tuple[int, int], spacing: float, rng: np.random.Generator) -> Floats:
    """Return (x, y) of points about ``spacing`` apart: a grid, each point moved within its cell."""
    rows, columns = (int(size / spacing) + 2 for size in shape)
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2)
    return np.asarray((cells - 0.5 + rng.uniform(0, 1, cells.shape)) * spacing)


def _direction(angle: Floats) -> Floats:
    return np.stack((np.cos(angle), np.sin(angle)), -1)


def _draw(
    canvas: NDArray[np.uint8], starts: Floats, ends: Floats, shades: Floats, width: int, kind: int
) -> None:
    lines = np.rint(np.stack((starts, ends), 1) * (1 << _SHIFT)).astype(np.int32)
    levels = np.clip(shades * _SHADES, 0, _SHADES - 1).astype(int)
    for level in range(_SHADES):
        chosen = lines[levels == level]
        if len(chosen):
            shade = 255.0 * (level + 0.5) / _SHADES
            cv2.polylines(canvas, list(chosen), False, shade, width, kind, _SHIFT)
