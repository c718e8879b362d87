"""Normal noise that does not depend on the pixel: a table of whole steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from roadworthy.stress._noise.bits import random_halves
from roadworthy.stress._noise.lookup import lookup
from roadworthy.types import Image

if TYPE_CHECKING:
    from roadworthy.stress.draws import Draws

CELLS = 65536


@dataclass(frozen=True)
class AddedNormal:
    """Independent normal numbers of standard deviation ``scale`` added to every value.

    Truncating p + 255·scale·N to a whole number is adding floor(255·scale·N), because p is whole.
    So the noise is a whole number of levels, of one law for all pixels.
    """

    scale: float

    def published(self, image: Image, draws: Draws) -> NDArray[np.float64]:
        """Return x + scale·N."""
        return image / 255.0 + self.scale * draws.normal(image.shape)

    def sampled(self, image: Image, stream: np.random.Generator) -> Image:
        """Draw steps from a table, and the few that it cannot hold from their own distribution."""
        if self.scale == 0:
            return image.copy()
        table = _steps(float(self.scale))
        plane = image.reshape(image.shape[0], -1)
        index = random_halves(stream, *plane.shape)
        noise = lookup(table.steps, index)
        rare = np.flatnonzero(index >= table.filled)
        noise.reshape(-1)[rare] = table.rest(stream.random(rare.size))
        noise += plane
        np.clip(noise, 0, 255, out=noise)
        return noise.astype(np.uint8).reshape(image.shape)


@dataclass(frozen=True)
class Steps:
    """A law of whole steps -255 to 255: ``filled`` cells of 65,536, and what remains.

    Each step has as many cells as its probability fills. The other cells stand for the ``rest``:
    what is left of every probability, inverted from its cumulative sum.
    """

    steps: NDArray[np.int16]
    filled: int
    left: NDArray[np.float64]

    def rest(self, uniform: NDArray[np.float64]) -> NDArray[np.int16]:
        """Return the steps at which the cumulated rest passes ``uniform`` numbers of [0, 1)."""
        found = np.searchsorted(self.left, uniform * self.left[-1], side="right")
        return np.asarray(found - 255, np.int16)


@lru_cache(maxsize=16)
def _steps(scale: float) -> Steps:
    probability = step_probabilities(scale)
    share = probability * CELLS
    cells = np.floor(share).astype(np.int64)
    steps = np.repeat(np.arange(-255, 256), cells)
    table = np.zeros(CELLS, np.int16)
    table[: steps.size] = steps
    return Steps(table, steps.size, np.cumsum(share - cells))


def step_probabilities(scale: float) -> NDArray[np.float64]:
    """Return the probabilities of floor(255·scale·N) being -255 or less, -254, …, 255 or more."""
    with np.errstate(over="ignore"):
        edges = np.concatenate([[-np.inf], np.arange(-254, 256) / (255 * scale), [np.inf]])
    low, high = edges[:-1], edges[1:]
    # Differences are taken in the tail on the same side, where they keep their digits.
    found = np.where(low >= 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    return np.asarray(found)
