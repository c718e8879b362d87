"""Photon noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from roadworthy.stress._noise.channel import Channel, channel
from roadworthy.types import Image

if TYPE_CHECKING:
    from roadworthy.stress.draws import Draws


@dataclass(frozen=True)
class Shot:
    """Every value counted in photons, ``photons`` of them for a white one on average."""

    photons: float

    def published(self, image: Image, draws: Draws) -> NDArray[np.float64]:
        """Return Poisson(x·photons) / photons."""
        return draws.poisson(image / 255.0 * self.photons) / float(self.photons)

    def sampled(self, image: Image, stream: np.random.Generator) -> Image:
        """Draw each level from its law."""
        return _channel(float(self.photons)).send(image, stream)


@lru_cache(maxsize=16)
def _channel(photons: float) -> Channel:
    expected = np.arange(256)[:, None] / 255.0 * photons
    return channel(gammainc(fewest(photons), expected))


def fewest(photons: float) -> NDArray[np.float64]:
    """Return how many photons are the fewest that give level 1, 2, …, 255.

    Asked of the published formula itself: whether k / photons · 255 reaches a whole number in
    floating point decides about one level.
    """
    levels = np.arange(1, 256)
    guess = np.floor(levels / 255 * photons) - 1
    tried = np.maximum(guess + np.arange(4)[:, None], 1)
    reached = np.clip(tried / photons, 0, 1) * 255 >= levels
    return np.asarray(np.take_along_axis(tried, reached.argmax(0)[None], 0)[0])
