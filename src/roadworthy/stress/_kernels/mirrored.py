"""Gaussian smoothing with mirrored borders, for kernels as wide as the field and wider."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from roadworthy.stress._kernels.gaussian import gaussian, gaussian_taps

Floats = NDArray[np.float32]

_NARROW = 16  # up to this radius a plain convolution is faster
_LARGEST = 1024  # pixels a side up to which matrices are small and fast


def smoothed(field: Floats, sigma: float, *, truncate: float) -> Floats:
    """Return ``field`` smoothed as by SciPy's ``gaussian_filter`` in mode reflect.

    ``field`` is float32 (H, W), ``sigma`` in pixels; the kernel ends at int(truncate * sigma + 1/2),
    and the field is continued as d c b a | a b c d, as often as the kernel is longer than it.
    """
    radius = int(truncate * sigma + 0.5)
    if radius <= _NARROW:
        return gaussian(field, sigma, truncate=truncate, mode="reflect")
    height, width = field.shape
    if max(height, width) > _LARGEST:
        return _by_cosines(field, sigma, radius)
    down = _down_columns(field, *_halves(height, sigma, radius))
    return _down_columns(down.T, *_halves(width, sigma, radius)).T


def _folded_taps(size: int, sigma: float, radius: int) -> NDArray[np.float64]:
    """Return the weights summed by their place in one period of the mirrored field, 2 * size."""
    period = np.zeros(2 * size)
    places = np.arange(-radius, radius + 1) % len(period)
    np.add.at(period, places, gaussian_taps(sigma, radius))
    return period


def _by_cosines(field: Floats, sigma: float, radius: int) -> Floats:
    # Cosines are what mirrored smoothing leaves in shape, so on their scale it is a product.
    down, across = (scipy.fft.rfft(_folded_taps(n, sigma, radius)).real[:n] for n in field.shape)
    spectrum = scipy.fft.dctn(field)
    spectrum *= down.astype(np.float32)[:, None]
    spectrum *= across.astype(np.float32)
    return np.asarray(scipy.fft.idctn(spectrum, overwrite_x=True), np.float32)


@lru_cache(maxsize=16)
def _halves(size: int, sigma: float, radius: int) -> tuple[Floats, Floats]:
    """Return the matrices that act on the even and on the odd part of a column of ``size``."""
    period = _folded_taps(size, sigma, radius)
    here = np.arange(size)
    matrix = period[here[:, None] - here] + period[(here[:, None] + here + 1) % len(period)]
    half = size // 2
    near, far = matrix[:half, :half], matrix[:half, ::-1][:, :half]
    even = matrix[: size - half, : size - half].copy()
    even[:half, :half] = (near + far) / 2
    return even.astype(np.float32), ((near - far) / 2).astype(np.float32)


def _down_columns(field: NDArray[np.float32], even: Floats, odd: Floats) -> Floats:
    # The even and the odd part of a column never mix, which saves half of the products.
    half = len(odd)
    upper, lower = field[:half], field[::-1][:half]
    sums = field[: len(even)].copy()  # the middle of an odd length stays as it is
    np.add(upper, lower, out=sums[:half])
    common, change = even @ sums, odd @ (upper - lower)
    result = np.empty_like(common, shape=field.shape)
    result[: len(even)] = common
    result[:half] += change
    np.subtract(common[:half], change, out=result[::-1][:half])
    return result
