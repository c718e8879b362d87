"""Random fields with a given spectrum: the ground that frost grows on."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

Field = NDArray[np.float32]

_BINS = 32


@lru_cache(maxsize=1)
def _log_frequencies(height: int, width: int) -> Field:
    """Return the log frequency, in cycles per pixel, of each coefficient of a real transform."""
    down, across = np.fft.fftfreq(height), np.fft.rfftfreq(width)
    return np.asarray(np.log(np.maximum(np.hypot(down[:, None], across), 1e-9)), np.float32)


def power_law(shape: tuple[int, int], slope: float, rng: np.random.Generator) -> Field:
    """Return a periodic normal field, mean 0 and deviation 1, whose power falls as f ** -slope."""
    noise = fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    noise[0, 0] = 0
    noise *= np.exp(_log_frequencies(*shape) * np.float32(-slope / 2))
    return standardised(fft.irfft2(noise, shape))


def standardised(field: Field) -> Field:
    """Return ``field`` with mean 0 and standard deviation 1."""
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def with_spectrum(field: Field, knots: NDArray[np.float64], power: NDArray[np.float64]) -> Field:
    """Return ``field`` with a given mean power at each distance from the centre of its spectrum.

    ``power`` is in powers of ten at the frequencies ``knots``, in cycles per pixel, with straight
    lines in between on logarithmic axes. Phases stay, and with them what the picture shows.
    """
    frequency = _log_frequencies(*field.shape)
    spectrum = fft.rfft2(field)
    edges = np.linspace(-np.log(max(field.shape)), np.log(0.71), _BINS)
    where = np.clip(np.digitize(frequency, edges), 1, _BINS - 1)
    count = np.bincount(where.ravel(), minlength=_BINS)
    total = np.bincount(where.ravel(), np.square(np.abs(spectrum)).ravel(), _BINS)
    used = np.flatnonzero(count * total)
    centres = (edges[used - 1] + edges[used]) / 2
    wanted = np.interp(centres, np.log(knots), power * np.log(10.0))
    gain = (wanted - np.log(total[used] / count[used])) / 2
    spectrum *= np.exp(np.interp(frequency, centres, gain)).astype(np.float32)
    spectrum[0, 0] = 0
    return standardised(fft.irfft2(spectrum, field.shape))


def ridged(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return thin winding ridges: the zero lines of noise whose domain is itself bent by noise."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    across = columns + np.float32(30.0) * power_law(shape, 3.0, rng)
    down = rows + np.float32(30.0) * power_law(shape, 3.0, rng)
    total = np.zeros(shape, np.float32)
    for slope, thin in ((3.2, 0.12), (2.6, 0.2)):
        noise = power_law(shape, slope, rng)
        bent = cv2.remap(noise, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        total += np.exp(-np.abs(bent) / np.float32(thin)) * np.tanh(cv2.Sobel(bent, -1, 0, 1))
    return standardised(total)
