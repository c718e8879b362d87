"""Frequencies of a frame: where the coefficients of its Fourier transform stand, and filters."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@lru_cache(maxsize=8)
def frequencies(height: int, width: int) -> Floats:
    """Return the frequency of every coefficient of the real transform of a frame, float64.

    The shape is (H, W // 2 + 1). The unit is cycles per shorter side: on a square frame, the
    distance from the centre of the shifted spectrum.
    """
    side = min(height, width)
    down = scipy.fft.fftfreq(height, 1 / side)
    across = scipy.fft.rfftfreq(width, 1 / side)
    return np.hypot(down[:, None], across)


def filtered(field: Floats, keep: NDArray[np.bool_]) -> Floats:
    """Return ``field``, float64 (H, W, C), with only the coefficients where ``keep`` is True.

    ``keep`` is (H, W // 2 + 1), as `frequencies` are; each channel is filtered by itself.
    """
    spectrum = scipy.fft.rfft2(field, axes=(0, 1))
    spectrum *= keep[..., None]
    return np.asarray(scipy.fft.irfft2(spectrum, s=field.shape[:2], axes=(0, 1)))


def to_levels(field: Floats) -> NDArray[np.uint8]:
    """Return ``field``, in levels 0 to 255, clipped and rounded to 8 bits."""
    levels: NDArray[np.uint8] = np.rint(np.clip(field, 0.0, 255.0)).astype(np.uint8)
    return levels
