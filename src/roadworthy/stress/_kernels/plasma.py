"""Plasma: the periodic diamond-square fractal that fog is made of."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress.draws import Draws

Field = NDArray[np.float32]

_AMPLITUDE = 1e4
_COARSE = 16  # up to this side every point is one matrix product with the draws, quicker than loops


def plasma(size: int, decay: float, *, rng: Draws) -> Field:
    """Return a fractal map, float32 (size, size), periodic and scaled to span [0, 1] exactly.

    ``size`` is a power of two; a map of one point, which spans nothing, is 0. Midpoints of squares
    and then of diamonds are the mean of four neighbours plus uniform noise whose amplitude falls by
    ``decay`` ** 2 with each halving of the step, so 2 means by four. Draws are taken from coarse to
    fine, for each level the squares, the diamonds above and the diamonds to the left, row by row.
    Hendrycks & Dietterich, ICLR 2019.
    """
    if size == 1:
        return np.zeros((1, 1), np.float32)
    draws = rng.signed((size * size - 1,))
    side = min(size, _COARSE)
    scales = _scales(side, decay)
    field = (_coarse_map(side) @ (scales * draws[: scales.size])).reshape(side, side)
    amplitude = _AMPLITUDE / decay ** (2 * (side.bit_length() - 1))
    while side < size:
        part = draws[side * side - 1 : 4 * side * side - 1].reshape(3, side, side)
        field = _refined(field, part, amplitude)
        amplitude /= decay**2
        side *= 2
    low = field.min()
    span = field.max() - low
    field -= low
    if span > 0:
        field *= np.float32(1.0) / span
    return field


@lru_cache(maxsize=64)
def _scales(side: int, decay: float) -> Field:
    levels = range(side.bit_length() - 1)
    parts = [np.full(3 << (2 * k), _AMPLITUDE / decay ** (2 * k)) for k in levels]
    return np.concatenate(parts).astype(np.float32)


@lru_cache(maxsize=5)
def _coarse_map(side: int) -> Field:
    """Return the (side ** 2, side ** 2 - 1) matrix that turns draws into the map of that side."""
    columns = []
    for draws in np.eye(side * side - 1, dtype=np.float32):
        field, used = np.zeros((1, 1), np.float32), 0
        while (n := field.shape[0]) < side:
            field = _refined(field, draws[used : used + 3 * n * n].reshape(3, n, n), 1.0)
            used += 3 * n * n
        columns.append(field.ravel())
    return np.ascontiguousarray(np.transpose(columns))


def _refined(corners: Field, draws: Field, amplitude: float) -> Field:
    """Return the map of twice the side: ``corners`` (n, n) with the points between them."""
    n = corners.shape[0]
    wrapped = cv2.copyMakeBorder(corners, 0, 1, 0, 1, cv2.BORDER_WRAP)
    right = cv2.add(wrapped[:, :n], wrapped[:, 1:])
    down = cv2.add(wrapped[:n, :n], wrapped[1:, :n])
    centres = _wobbled(cv2.add(right[:n], right[1:]), draws[0], amplitude)
    wrapped = cv2.copyMakeBorder(centres, 1, 0, 1, 0, cv2.BORDER_WRAP)
    above, before = wrapped[:n, 1:], wrapped[1:, :n]
    top = _wobbled(cv2.add(cv2.add(centres, above), right[:n]), draws[1], amplitude)
    left = _wobbled(cv2.add(cv2.add(centres, before), down), draws[2], amplitude)
    fine = np.empty((n, 2, n, 2), np.float32)
    cv2.merge((corners, top), dst=fine[:, 0])
    cv2.merge((left, centres), dst=fine[:, 1])
    return fine.reshape(2 * n, 2 * n)


def _wobbled(four: Field, draws: Field, amplitude: float) -> Field:
    return np.asarray(cv2.addWeighted(four, 0.25, draws, amplitude, 0.0), np.float32)
