"""Perspective views of 8-bit pictures, on the grid of 1/32 pixel of OpenCV 3 and 4."""

from __future__ import annotations

from functools import lru_cache
from math import cos, hypot, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._kernels.warp import check_warpable
from roadworthy.types import Image

_STEPS = 32  # positions in a pixel
_NEAREST = 1e-9  # in units of the focal length: what is nearer, or behind the viewer, is not seen
_LARGEST_CACHED = 1 << 18  # pixels of a frame whose places are kept: 1.5 MB each


def tilt_homography(height: int, width: int, angle: float) -> NDArray[np.float64]:
    """Return where the points of a picture go that turns by ``angle`` degrees about both axes.

    The picture stands in space one pixel beyond its own diagonal, which is the focal length, so that
    even at 0 degrees it is seen a little smaller, as published; it turns about the vertical and then
    about the horizontal line through its middle.
    """
    focal, turn = hypot(width, height), radians(angle)
    c, s = cos(turn), sin(turn)
    into_space = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1], [0, 0, 1]], float)
    about_x = np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]])
    about_y = np.array([[c, 0, -s, 0], [0, 1, 0, 0], [s, 0, c, 0], [0, 0, 0, 1]])
    away = np.eye(4)
    away[2, 3] = focal
    onto_plane = np.array([[focal, 0, width / 2, 0], [0, focal, height / 2, 0], [0, 0, 1, 0]])
    return np.asarray(onto_plane @ away @ about_x @ about_y @ into_space)


def tilted(image: Image, angle: float) -> Image:
    """Return ``image``, uint8 (H, W, 3), seen from ``angle`` degrees aside; black around it.

    Bilinear on a grid of 1/32 pixel and rounded half up, as OpenCV 3 and 4 did, which made the
    published data; OpenCV 5 interpolates between the steps. Raises SampleError for frames with more
    than 32,766 pixels a side.
    """
    height, width = image.shape[:2]
    check_warpable(height, width, stress="tilt")
    look_up = _places if height * width <= _LARGEST_CACHED else _places.__wrapped__
    pixels, steps = look_up(height, width, angle)
    return np.asarray(cv2.remap(image, pixels, steps, cv2.INTER_LINEAR, borderValue=0))


@lru_cache(maxsize=32)
def _places(height: int, width: int, angle: float) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """Return source pixels (H, W, 2) and steps within them (H, W), as OpenCV's remap takes them."""
    m = cv2.invert(tilt_homography(height, width, angle))[1]
    x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
    depth = m[2, 0] * x + (m[2, 1] * y + m[2, 2])
    behind = depth < _NEAREST
    per_depth = _STEPS / np.where(behind, _NEAREST, depth)
    across = _in_steps((m[0, 0] * x + (m[0, 1] * y + m[0, 2])) * per_depth, width)
    down = _in_steps((m[1, 0] * x + (m[1, 1] * y + m[1, 2])) * per_depth, height)
    across[behind] = -2 * _STEPS  # outside the picture
    pixels = np.empty((height, width, 2), np.int16)
    pixels[..., 0], pixels[..., 1] = across >> 5, down >> 5
    steps = (down & (_STEPS - 1)) * _STEPS + (across & (_STEPS - 1))
    return pixels, steps.astype(np.uint16)


def _in_steps(places: NDArray[np.float64], size: int) -> NDArray[np.int32]:
    # A pixel beyond the picture all is black, however far.
    return np.clip(np.rint(places), -2 * _STEPS, _STEPS * (size + 1)).astype(np.int32)
