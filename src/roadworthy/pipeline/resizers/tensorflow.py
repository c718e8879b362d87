"""What tf.image.resize computes, and TensorFlow 1 before it, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.pipeline.resizers import _tensorflow as tf
from roadworthy.pipeline.resizers._separable import matrix, resample
from roadworthy.pipeline.stages import resizer

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PixelT = TypeVar("PixelT", np.uint8, np.float32)

_KERNELS: dict[str, tuple[Callable[[tf.Floats], tf.Floats], float]] = {
    "bilinear": (tf.triangle, 1),
    "bicubic": (tf.cubic, 2),
    "lanczos3": (partial(tf.lanczos, radius=3), 3),
    "lanczos5": (partial(tf.lanczos, radius=5), 5),
    "gaussian": (tf.gaussian, 1.5),
    "mitchellcubic": (tf.mitchell, 2),
}
_POINTS = {"nearest": tf.nearest, "bilinear": tf.bilinear, "bicubic": tf.bicubic}

_RULES: dict[str, Callable[[int, int], tf.Taps]] = {
    "area": tf.area,
    **{name: partial(rule, centres="half-pixel") for name, rule in _POINTS.items()},
    **{
        f"{name}{'-antialias' * antialias}": partial(
            tf.spanned, kernel=kernel, radius=radius, antialias=antialias
        )
        for name, (kernel, radius) in _KERNELS.items()
        for antialias in (False, True)
        if antialias or name not in _POINTS
    },
    **{
        f"{name}-{centres}": partial(rule, centres=centres)
        for name, rule in _POINTS.items()
        for centres in ("asymmetric", "align-corners")
    },
}


@resizer(*sorted(_RULES))
def tensorflow(image: NDArray[PixelT], size: tuple[int, int], kernel: str) -> NDArray[PixelT]:
    """Resize uint8 (H, W, 3), or one float32 plane (H, W), to ``size`` (H, W).

    The methods of tf.image.resize, by default without antialiasing; ``-asymmetric`` and
    ``-align-corners`` are those of TensorFlow 1 (``resize_bilinear`` and its kind). Computed by its
    formulas in float32. TensorFlow returns floats; here bytes are rounded to the nearest.
    """
    height, width = size
    rows = _weights(image.shape[0], height, kernel)
    return resample(image, rows, _weights(image.shape[1], width, kernel))


@lru_cache(maxsize=64)
def _weights(count: int, outputs: int, kernel: str) -> csr_array:
    return matrix(*_RULES[kernel](count, outputs), count)
