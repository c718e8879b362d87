"""scikit-image's resize: splines, with a Gaussian before them where it antialiases."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.pipeline.resizers._separable import as_pixels
from roadworthy.pipeline.stages import resizer

PixelT = TypeVar("PixelT", np.uint8, np.float32)

_ORDERS = {"nearest": 0, "bilinear": 1, "bicubic": 3}
_FILTERS = [f"{name}{aa}" for name in _ORDERS for aa in ("", "-antialias")]


@resizer(*_FILTERS, needs="skimage", extra="decoders")
def skimage(image: NDArray[PixelT], size: tuple[int, int], kernel: str) -> NDArray[PixelT]:
    """Resize uint8 (H, W, 3), or one float32 plane (H, W), to ``size`` (H, W).

    ``skimage.transform.resize`` of order 0, 1 or 3, the last an interpolating spline; its default is
    ``bilinear-antialias``. It computes in floats; bytes are rounded to the nearest.
    """
    from skimage.transform import resize

    name, _, antialias = kernel.partition("-")
    result = resize(
        image,
        (*size, *image.shape[2:]),
        order=_ORDERS[name],
        anti_aliasing=bool(antialias),
        preserve_range=True,
    )
    return as_pixels(result, image.dtype)
