"""A disk-shaped kernel with a smoothed edge, and images blurred by it."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._kernels.truncation import truncated

Bytes = NDArray[np.uint8]
Kernel = NDArray[np.float32]

_SMALL_GRID = 8  # the least half-width of the grid, whatever the radius
_SMALL_KERNEL = 5
_SUMMED = 5  # radius from which sums of 16 bits are faster than OpenCV's filter
_NOISE = 2e-4  # levels


def disk_kernel(radius: float, sigma: float) -> Kernel:
    """Return the published kernel of a disk of ``radius`` pixels, its edge smoothed by ``sigma``.

    float32, square, with an odd side: 17 up to radius 8 and 2 ceil(radius) + 1 beyond. Smoothing has
    three taps up to radius 8 and five beyond, and mirrors at the edge of the grid, so that the sum
    is 1 only if the disk does not touch it. Hendrycks & Dietterich, ICLR 2019.
    """
    reach = max(_SMALL_GRID, ceil(radius))
    offsets = np.arange(-reach, reach + 1)
    inside = np.square(offsets)[:, None] + np.square(offsets) <= radius * radius
    disk = inside.astype(np.float32)
    disk /= disk.sum()
    taps = 3 if radius <= _SMALL_GRID else 5
    return np.asarray(cv2.GaussianBlur(disk, (taps, taps), sigma, sigmaY=sigma))


def disk_blurred(image: Bytes, radius: float, sigma: float) -> Bytes:
    """Return ``image``, uint8 (H, W, 3), blurred by a disk, mirrored at its edge and truncated."""
    kernel, nudge = _prepared(radius, sigma)
    if len(kernel) <= _SMALL_KERNEL:
        # Here the smoothed edge may be 1e-6 of the whole, less than float32 resolves in a whole
        # level; in float64 the sums of levels and float32 weights are exact.
        levels = cv2.filter2D(image.astype(np.float64), -1, kernel) + 1e-10
        return np.asarray(np.minimum(levels, 255)).astype(np.uint8)
    if _SUMMED <= radius < _SMALL_GRID - 1:
        levels = _smoothed_sums(image, radius, sigma)
    else:
        levels = cv2.filter2D(image.astype(np.float32), -1, kernel)
    return truncated(levels, nudge=nudge)


def _smoothed_sums(image: Bytes, radius: float, sigma: float) -> NDArray[np.float32]:
    # A disk clear of what its grid mirrors: whole sums first, its edge smoothed afterwards.
    sums, count = _disk_sums(image, radius)
    taps = cv2.getGaussianKernel(3, sigma)
    blurred = cv2.sepFilter2D(sums, cv2.CV_32F, taps / count, taps)
    return np.ascontiguousarray(blurred[1:-1, 1:-1])


def _disk_sums(image: Bytes, radius: float) -> tuple[NDArray[np.uint16], int]:
    """Return sums over the disk around each pixel, a pixel beyond each edge too, and its size."""
    reach = int(radius)
    height, width = image.shape[0] + 2, image.shape[1] + 2
    edge = reach + 1
    padded = cv2.copyMakeBorder(image, edge, edge, edge, edge, cv2.BORDER_REFLECT_101)
    padded = padded.astype(np.uint16)
    column = padded[reach : reach + height].copy()
    sums = np.zeros((height, width, 3), np.uint16)
    tall = count = 0
    # From the outermost columns of the disk, which are short, to the middle one.
    for aside in range(reach, -1, -1):
        while (tall + 1) ** 2 + aside**2 <= radius * radius:
            tall += 1
            column += padded[reach - tall : reach - tall + height]
            column += padded[reach + tall : reach + tall + height]
        for shift in {-aside, aside}:
            sums += column[:, reach + shift : reach + shift + width]
            count += 2 * tall + 1
    return sums, count


@lru_cache(maxsize=32)
def _prepared(radius: float, sigma: float) -> tuple[Kernel, float]:
    kernel = disk_kernel(radius, sigma)
    total = kernel.astype(np.float64).sum()
    # Where the picture is flat or a ramp the exact result is a whole level times the kernel's sum,
    # which misses 1 by what float32 rounded: truncation turns that into a level or none.
    nudge = _NOISE if total >= 1 else -_NOISE
    # A smoothing of .1 pixels leaves weights of 1e-22 and less, which only slow the filter down.
    kernel[kernel < 1e-12] = 0
    used = np.flatnonzero(kernel.max(axis=0))
    return np.ascontiguousarray(kernel[used[0] : used[-1] + 1, used[0] : used[-1] + 1]), nudge
