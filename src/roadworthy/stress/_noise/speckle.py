"""Normal noise in proportion to the pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from roadworthy.stress._noise.channel import Channel, channel
from roadworthy.types import Image

if TYPE_CHECKING:
    from roadworthy.stress.draws import Draws


@dataclass(frozen=True)
class Speckle:
    """Every value multiplied by 1 + scale·N, N independent standard normal numbers."""

    scale: float

    def published(self, image: Image, draws: Draws) -> NDArray[np.float64]:
        """Return x + x·scale·N."""
        x = image / 255.0
        return x + x * (self.scale * draws.normal(image.shape))

    def sampled(self, image: Image, stream: np.random.Generator) -> Image:
        """Draw each level from its law."""
        if self.scale == 0:
            return image.copy()
        return _channel(float(self.scale)).send(image, stream)


@lru_cache(maxsize=16)
def _channel(scale: float) -> Channel:
    level, outcome = np.ogrid[1:256, 1:256]
    with np.errstate(over="ignore"):
        at_least = ndtr((level - outcome) / (level * scale))
    # Black stays black.
    return channel(np.concatenate([np.zeros((1, 255)), at_least]))
