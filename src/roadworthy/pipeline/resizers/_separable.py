"""Resizing as two products with sparse matrices of weights: for filters given by a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PixelT = TypeVar("PixelT", np.uint8, np.float32)


def matrix(indices: NDArray[Any], weights: NDArray[Any], count: int) -> csr_array:
    """Return the matrix (outputs, ``count``) whose row i weighs ``indices[i]`` by ``weights[i]``.

    Both are (outputs, taps); an index that comes twice adds up.
    """
    from scipy.sparse import csr_array

    outputs, taps = indices.shape
    rows = np.repeat(np.arange(outputs), taps)
    entries = weights.astype(np.float32).ravel(), (rows, indices.ravel())
    found = csr_array(entries, shape=(outputs, count))
    found.sum_duplicates()
    return found


def resample(image: NDArray[PixelT], rows: csr_array, columns: csr_array) -> NDArray[PixelT]:
    """Weigh rows, then columns, of uint8 (H, W, 3) or one float32 plane (H, W).

    Works in float32; bytes are rounded to the nearest and clamped at the end.
    """
    height, width = rows.shape[0], columns.shape[0]
    flat = image.reshape(image.shape[0], -1).astype(np.float32, copy=False)
    halfway = (rows @ flat).reshape(height, image.shape[1], -1)
    turned = np.ascontiguousarray(halfway.transpose(1, 0, 2)).reshape(image.shape[1], -1)
    result = (columns @ turned).reshape(width, height, -1).transpose(1, 0, 2)
    shaped = result.reshape(height, width, *image.shape[2:])
    return as_pixels(shaped, image.dtype)


def as_pixels(values: NDArray[Any], kind: np.dtype[PixelT]) -> NDArray[PixelT]:
    """Return float values as pixels of ``kind``, contiguous: bytes rounded half to even and clamped."""
    if kind == np.uint8:
        values = np.clip(np.rint(values), 0, 255)
    return np.ascontiguousarray(values, dtype=kind)
