"""What a network gets: from pixels to numbers, and back to the pixels that these mean to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.preflight.base import Stats
from roadworthy.preflight.identity import Identity
from roadworthy.preflight.layout import Floats
from roadworthy.types import Classifier, Image

PLAIN: tuple[Stats, Stats] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@dataclass(frozen=True)
class Numbers:
    """How pixels become numbers: ``(pixel / 255 - mean) / std`` per channel of the frame."""

    mean: Stats
    std: Stats

    def of(self, frame: Image) -> Floats:
        """Return the numbers of a frame, uint8 (..., 3)."""
        mean, std = (np.array(v, np.float32) for v in (self.mean, self.std))
        numbers: Floats = (frame.astype(np.float32) / np.float32(255) - mean) / std
        return numbers

    def meant(self, numbers: Floats) -> Floats:
        """Return the levels of 0..255, unbounded, that numbers (..., 3) mean to a network of these."""
        mean, std = (np.array(v, np.float32) for v in (self.mean, self.std))
        levels: Floats = (numbers.astype(np.float32) * std + mean) * np.float32(255)
        return levels

    def levels(self, frame: Image, given: Numbers) -> Floats:
        """Return what a frame that is normalised by ``given`` means to a network of these.

        Exactly its pixels where both are the same.
        """
        if given == self:
            return frame.astype(np.float32)
        return self.meant(given.of(frame))


def numbers_of_model(model: Classifier | Any) -> Numbers | None:
    """Return how a model normalises by itself, or None where it does not say."""
    mean, std = getattr(model, "mean", None), getattr(model, "std", None)
    return None if mean is None or std is None else Numbers(tuple(mean), tuple(std))


def numbers_of(identity: Identity, model: Numbers | None) -> Numbers | None:
    """Return how a pipeline normalises, as the model does where it leaves that to it; None if unknown."""
    if identity.mean is not None and identity.std is not None:
        return Numbers(identity.mean, identity.std)
    known = {c.part for c in identity.components}
    return None if "normalisation" in known else (model or Numbers(*PLAIN))
