"""Noise of a given energy in a band of spatial frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from roadworthy.errors import SampleError, UsageError
from roadworthy.stress._kernels.spectrum import filtered, frequencies, to_levels
from roadworthy.stress.base import image_stress
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    low, high, rms = arguments["low"], arguments["high"], arguments["rms"]
    if not (isfinite(high) and 0 <= low < high):
        raise UsageError(f"band_noise: the band is 0 <= low < high, not low={low}, high={high}")
    if not 0 <= rms <= 1:
        raise UsageError(f"band_noise: rms is 0 to 1 in units of the full range, not {rms}")


@image_stress(level="rms", check=_check, paper="Subramanian et al., NeurIPS 2023")
def band_noise(image: Image, low: float, high: float, rms: float, *, rng: Draws) -> Image:
    """Add Gaussian noise with frequencies above ``low`` and up to ``high``, of energy ``rms``.

    ``image`` is uint8 (H, W, 3); so is the result, clipped and rounded. White normal noise, each
    channel by itself, loses every Fourier coefficient outside the band and is scaled so that its
    root mean square over pixels and channels is exactly ``rms``, in units of the full range, before
    clipping. Frequencies are in cycles per shorter side, as for ``lowpass``. Raises SampleError
    where the frame has no frequency in the band. After Subramanian et al., NeurIPS 2023, whose
    noise is grey and whose pictures have their contrast reduced first.
    """
    distance = frequencies(*image.shape[:2])
    keep = (distance > low) & (distance <= high)
    if not keep.any():
        raise SampleError(
            f"band_noise: a frame of {image.shape[1]}x{image.shape[0]} pixels has no frequency "
            f"above {low:g} and up to {high:g} cycles per shorter side"
        )
    noise = filtered(rng.normal(image.shape), keep)
    noise *= 255.0 * rms / np.sqrt(np.mean(np.square(noise)))
    return to_levels(image + noise)
