"""Salt and pepper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._noise.bits import random_bytes
from roadworthy.types import Image

if TYPE_CHECKING:
    from roadworthy.stress.draws import Draws


@dataclass(frozen=True)
class SaltAndPepper:
    """Every value replaced with probability ``amount``, by white or black alike."""

    amount: float

    def published(self, image: Image, draws: Draws) -> NDArray[np.float64]:
        """Return x, or what replaces it: which values are hit is drawn first, then how."""
        hit = draws.chance(self.amount, image.shape)
        salt = draws.chance(0.5, image.shape)
        return np.where(hit, salt, image / 255.0)

    def sampled(self, image: Image, stream: np.random.Generator) -> Image:
        """Give salt the lowest bytes and pepper the highest; one value more is decided finely."""
        plane = image.reshape(image.shape[0], -1)
        byte = random_bytes(stream, *plane.shape)
        each = 128 * float(self.amount)
        certain = int(each)
        result = np.asarray(cv2.max(plane, _where(byte, certain, cv2.CMP_LT)))
        result = np.asarray(cv2.subtract(result, _where(byte, 255 - certain, cv2.CMP_GT)))
        rest = each - certain
        if rest > 0:
            self._decide(result, byte, certain, rest, stream)
        return result.reshape(image.shape)

    @staticmethod
    def _decide(
        result: Image, byte: Image, certain: int, rest: float, stream: np.random.Generator
    ) -> None:
        """Settle the two bytes next to the certain ones, of which a part ``rest`` is hit."""
        # They are each other's complement: both, and only they, differ from one by no bit or by all.
        unlike = byte ^ np.uint8(certain)
        unlike += np.uint8(1)
        at = np.flatnonzero(unlike < 2)
        hit = at[stream.random(at.size) < rest]
        result.reshape(-1)[hit] = np.where(byte.reshape(-1)[hit] == certain, 255, 0)


def _where(byte: Image, than: int, comparison: int) -> Image:
    """Return 255 where a byte compares so, else 0."""
    return np.asarray(cv2.compare(byte, float(than), comparison))
