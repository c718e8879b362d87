"""Gaussian smoothing with SciPy's kernel and borders, in OpenCV or as a matrix product."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._kernels.truncation import truncated

F = TypeVar("F", np.float32, np.float64)
Mode = Literal["nearest", "reflect"]

_BORDERS = {"nearest": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT}
_TINY_TAILS = 0.625  # pixels: below it the kernel has at most 5 taps
_CACHED_SIDE = 1024  # a matrix of this side takes 4 to 8 MB; larger ones are made each time


def gaussian(
    field: NDArray[F], sigma: float, *, truncate: float = 4.0, mode: Mode = "nearest"
) -> NDArray[F]:
    """Return ``field`` smoothed by a Gaussian of ``sigma`` pixels, each channel by itself.

    ``field`` is float32 or float64, (H, W) or (H, W, 3); the result has its type. It is what
    ``scipy.ndimage.gaussian_filter`` gives to that type's accuracy: the kernel ends at
    int(truncate * sigma + 1/2) and sums to 1; outside the field ``nearest`` repeats the edge and
    ``reflect`` mirrors it (d c b a | a b c d). A sigma so small that the kernel has one tap, or 0,
    returns a copy.
    """
    radius = int(truncate * sigma + 0.5)
    if radius == 0 or field.size == 0:
        return field.copy()
    if _wide(field, radius):
        return _by_matrices(field, sigma, radius, mode)
    kernel = gaussian_taps(sigma, radius).astype(field.dtype)
    return np.asarray(cv2.sepFilter2D(field, -1, kernel, kernel, borderType=_BORDERS[mode]))


def gaussian_levels(
    image: NDArray[np.uint8], sigma: float, *, truncate: float = 4.0
) -> NDArray[np.uint8]:
    """Return ``image``, uint8 (H, W, 3), smoothed (see ``gaussian``) and truncated to 8 bits."""
    if sigma < _TINY_TAILS:
        # The outermost weights are about 1e-6, less than float32 resolves in a whole level, and
        # decide on which side of it a ramp ends up.
        smooth = gaussian(image.astype(np.float64), sigma, truncate=truncate)
        return np.asarray(smooth + 1e-9).astype(np.uint8)
    radius = int(truncate * sigma + 0.5)
    if _wide(image, radius):
        return truncated(gaussian(image.astype(np.float32), sigma, truncate=truncate))
    taps = gaussian_taps(sigma, radius).astype(np.float32)
    smooth = cv2.sepFilter2D(image, cv2.CV_32F, taps, taps, borderType=cv2.BORDER_REPLICATE)
    return truncated(smooth)


def _wide(field: NDArray[Any], radius: int) -> bool:
    side: int = max(field.shape[:2])
    return 2 * (2 * radius + 1) > side


def gaussian_taps(sigma: float, radius: int) -> NDArray[np.float64]:
    """Return the 2 * radius + 1 weights of a Gaussian of ``sigma`` pixels, which sum to 1."""
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * np.square(offsets))
    return np.asarray(weights / weights.sum())


def _by_matrices(field: NDArray[F], sigma: float, radius: int, mode: Mode) -> NDArray[F]:
    # Wide kernels reach every pixel anyway: one product along each axis, the borders folded in.
    height, width = field.shape[:2]
    kind = field.dtype.char
    down = _matrix(height, sigma, radius, mode, kind)
    across = _matrix(width, sigma, radius, mode, kind)
    planes = field.reshape(height, -1)
    smooth = (down @ planes).reshape(field.shape)
    if field.ndim == 2:
        return np.asarray(smooth @ across.T)
    return np.asarray(across @ smooth)


def _matrix(size: int, sigma: float, radius: int, mode: Mode, kind: str) -> NDArray[Any]:
    if size > _CACHED_SIDE:
        return _smoothing_matrix(size, sigma, radius, mode, kind)
    return _cached_matrix(size, sigma, radius, mode, kind)


def _smoothing_matrix(size: int, sigma: float, radius: int, mode: Mode, kind: str) -> NDArray[Any]:
    weights = gaussian_taps(sigma, radius)
    rows = np.arange(size)
    matrix = np.zeros((size, size))
    for offset, weight in zip(range(-radius, radius + 1), weights, strict=True):
        matrix[rows, _inside(rows + offset, size, mode)] += weight
    return matrix.astype(kind)


_cached_matrix = lru_cache(maxsize=16)(_smoothing_matrix)


def _inside(index: NDArray[np.int64], size: int, mode: Mode) -> NDArray[np.int64]:
    if mode == "nearest":
        return np.asarray(np.clip(index, 0, size - 1))
    period = np.mod(index, 2 * size)
    return np.asarray(np.minimum(period, 2 * size - 1 - period))
