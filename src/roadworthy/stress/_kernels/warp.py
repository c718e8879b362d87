"""Geometric warps in OpenCV, on the grid of 1/32 pixel that its older releases kept to."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import SampleError

Floats = NDArray[np.float32]

_STEPS = 32  # positions in a pixel
_FINER = 1024  # parts of a pixel in which each product is rounded before they are added
_LARGEST = 32766  # pixels along a side that OpenCV's remap addresses
_FAR = 16384  # pixels from where coordinates are folded back beforehand, since OpenCV's overflow


def check_warpable(height: int, width: int, *, stress: str) -> None:
    """Raise SampleError for a frame too large for coordinates of 16 bits."""
    if max(height, width) > _LARGEST:
        raise SampleError(
            f"{stress}: works on frames of at most {_LARGEST} pixels a side, not {width}x{height}"
        )


def warped_affine(planes: Floats, matrix: NDArray[np.float64]) -> Floats:
    """Return ``planes`` moved by ``matrix``, bilinear, mirrored at the border without its edge.

    ``planes`` is float32 (H, W, C); four channels are fastest. ``matrix`` (2, 3) maps a source point
    (x, y) to its target. Coordinates are those of OpenCV 3 and 4, which made the published data:
    fixed-point, in steps of 1/32 pixel. OpenCV 5 itself interpolates between the steps.
    """
    height, width = planes.shape[:2]
    inverse = cv2.invertAffineTransform(matrix)
    x = _folded(_steps(inverse[0], height, width), width)
    y = _folded(_steps(inverse[1], height, width), height)
    moved = cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.float32)


def _steps(row: NDArray[np.float64], height: int, width: int) -> NDArray[np.integer[Any]]:
    """Return a source coordinate of every pixel in steps of 1/32 pixel, each term rounded alone."""
    down = np.rint((row[1] * np.arange(height) + row[2]) * _FINER) + _FINER // _STEPS // 2
    across = np.rint(row[0] * np.arange(width) * _FINER)
    kind = np.int32 if max(abs(down).max(), abs(across).max()) < 2**30 else np.int64
    steps: NDArray[np.integer[Any]] = down.astype(kind)[:, None] + across.astype(kind)
    steps >>= 5
    return steps


def _folded(steps: NDArray[np.integer[Any]], size: int) -> Floats:
    """Return coordinates in pixels; those of a strong magnification's inverse are mirrored back."""
    if max(abs(steps[0, 0]), abs(steps[0, -1]), abs(steps[-1, 0]), abs(steps[-1, -1])) > _FAR * 32:
        steps = np.mod(steps, max(1, 2 * (size - 1)) * _STEPS)
    pixels: Floats = steps.astype(np.float32)
    pixels *= np.float32(1 / _STEPS)
    return pixels


def displaced(planes: Floats, right: Floats, down: Floats) -> Floats:
    """Return ``planes`` sampled at every pixel's place plus its displacement, bilinear.

    ``planes`` is float32 (H, W, C); ``right`` and ``down`` are float32 (H, W), in pixels. Outside
    the frame the picture is mirrored with its edge (d c b a | a b c d).
    """
    height, width = planes.shape[:2]
    x = right + np.arange(width, dtype=np.float32)
    y = down + np.arange(height, dtype=np.float32)[:, None]
    moved = cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.float32)
