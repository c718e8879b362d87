"""A random affine map, then a random smooth displacement of every pixel, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import SampleError, UsageError
from roadworthy.stress._kernels.mirrored import smoothed
from roadworthy.stress._kernels.truncation import truncated
from roadworthy.stress._kernels.warp import check_warpable, displaced, warped_affine
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image

_EPSILON = 2e-4  # levels, added before truncating so that whole levels survive float32


def _check(arguments: Mapping[str, Any]) -> None:
    for name in ("amplitude", "sigma", "displacement"):
        value = arguments.get(name, 0.0)
        if not (isfinite(value) and value >= 0):
            raise UsageError(f"elastic_transform: {name} is in pixels, 0 or larger, not {value}")


@corruption(
    levels={
        224: (
            (488.0, 170.8, 24.4),
            (488.0, 19.52, 48.8),
            (12.2, 2.44, 4.88),
            (17.08, 2.44, 4.88),
            (29.28, 2.44, 4.88),
        ),
        299: (
            (720.0, 252.0, 36.0),
            (720.0, 28.8, 72.0),
            (18.0, 3.6, 7.2),
            (25.2, 3.6, 7.2),
            (43.2, 3.6, 7.2),
        ),
        64: (
            (0.0, 0.0, 5.12),
            (3.2, 19.2, 3.84),
            (6.4, 5.12, 3.84),
            (6.4, 1.92, 1.92),
            (10.24, 1.92, 1.28),
        ),
        32: (
            (0.0, 0.0, 2.56),
            (1.6, 6.4, 2.24),
            (2.56, 1.92, 1.92),
            (3.2, 1.28, 1.6),
            (3.2, 0.96, 0.96),
        ),
    },
    lengths=("amplitude", "sigma", "displacement"),
    check=_check,
    version=2,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def elastic_transform(
    image: Image, amplitude: float, sigma: float, displacement: float, *, rng: Draws
) -> Image:
    """Move three corners by up to ``displacement``, then every pixel by a smooth random field.

    ``image`` is uint8 (H, W, 3), at least 3 pixels a side; so is the result. The field is uniform
    noise in (-1, 1) smoothed by a Gaussian of ``sigma`` and multiplied by ``amplitude``; all are in
    pixels. Both moves are bilinear and mirror at the border, the affine one in steps of 1/32 pixel,
    and values are truncated to 8 bits, as published. Raises SampleError for a frame too small for
    three corners, or wider than 32766 pixels. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    check_warpable(height, width, stress="elastic_transform")
    source = _corners(height, width)
    target = source + rng.uniform(-displacement, displacement, (3, 2)).astype(np.float32)
    noise = rng.signed((2, height, width))
    right, down = (np.float32(amplitude) * smoothed(field, sigma, truncate=3.0) for field in noise)
    # A fourth channel makes both warps twice as fast.
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA).astype(np.float32)
    planes = warped_affine(planes, cv2.getAffineTransform(source, target))
    planes = displaced(planes, right, down)
    return np.asarray(cv2.cvtColor(truncated(planes, nudge=_EPSILON), cv2.COLOR_RGBA2RGB))


def _corners(height: int, width: int) -> NDArray[np.float32]:
    """Return three corners (x, y) of a square around the centre, as OpenCV's points."""
    arm = min(height, width) // 3
    if arm == 0:
        raise SampleError(
            f"elastic_transform: needs a frame of at least 3 pixels a side, not {width}x{height}"
        )
    middle = np.array([width // 2, height // 2], np.float32)
    return middle + np.array([[arm, arm], [arm, -arm], [-arm, -arm]], np.float32)
