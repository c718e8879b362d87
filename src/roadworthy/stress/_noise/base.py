"""What a noise is: one formula as published, and one exact sampler of the 8-bit result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from roadworthy.types import Image

if TYPE_CHECKING:
    from roadworthy.stress.draws import Draws


class Noise(Protocol):
    """Noise that hits every value of an image by itself.

    Then the result depends on the pixel and on chance alone, and may be drawn straight from its law
    on the 256 levels, truncation and clipping included, which is what ``sampled`` does.
    """

    def published(self, image: Image, draws: Draws) -> NDArray[np.float64]:
        """Return the noisy image in units of the full range, before clipping and truncation."""

    def sampled(self, image: Image, stream: np.random.Generator) -> Image:
        """Return the noisy image: not the numbers of ``published``, but exactly its distribution.

        ``image`` is contiguous; it is left as it is.
        """
