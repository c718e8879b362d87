"""From a field of structure to a texture: brightness by rank, then colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from roadworthy.stress._textures.fields import Field
from roadworthy.types import Image

_RANKS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class Tones:
    """Colour statistics of a texture, in levels of 0 to 255.

    ``percentiles`` are those of the luminance at 1, 5, 25, 50, 75, 95 and 99 %; ``mean`` and ``std``
    are of R, G and B; ``grey`` is how each correlates with the luminance, and ``tint`` with a second
    field that the luminance does not depend on.
    """

    percentiles: tuple[int, ...]
    mean: tuple[int, int, int]
    std: tuple[int, int, int]
    grey: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tint: tuple[float, float, float] = (0.0, 0.0, 0.0)


def ranked(field: Field, percentiles: tuple[int, ...]) -> Field:
    """Return ``field`` with its values replaced, in order, by those of the given distribution."""
    low = max(0, 2 * percentiles[0] - percentiles[1])
    high = min(255, 2 * percentiles[-1] - percentiles[-2])
    quantile = PchipInterpolator((0.0, *_RANKS, 1.0), (low, *percentiles, high))
    order = np.argsort(field, axis=None)
    result = np.empty(field.size, np.float32)
    result[order] = quantile((np.arange(field.size) + 0.5) / field.size)
    return result.reshape(field.shape)


def coloured(field: Field, tint: Field, tones: Tones) -> Image:
    """Return a texture, uint8 RGB, of the structure ``field`` and the second field ``tint``."""
    light = ranked(field, tones.percentiles)
    light = (light - light.mean()) / light.std()
    values: NDArray[np.float32] = np.stack(
        [
            m + s * (g * light + t * tint)
            for m, s, g, t in zip(tones.mean, tones.std, tones.grey, tones.tint, strict=True)
        ],
        axis=-1,
    )
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
