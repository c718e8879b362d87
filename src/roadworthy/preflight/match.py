"""How far a rendering of ours is from what a pipeline shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roadworthy.preflight.layout import Floats
from roadworthy.types import Image

ROUNDING = 0.51
"""Levels that rounding to whole ones may move: renderings within it are taken for equal."""

NEAR = ((1.6, 0.4), (2.6, 0.02))
"""Levels that other arithmetic for the same filter may move a pixel, at most and on average: all a
little, or a few a little more."""

PATCH, FAR = 48, 12.0
"""Side of the part of the frame that is compared first, and the mean difference there that ends it."""


@dataclass(frozen=True, order=True)
class Match:
    """The largest and the mean difference in levels; ``noise`` is what the numbers themselves lose."""

    largest: float
    mean: float
    noise: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether rounding explains all of it."""
        return self.largest <= ROUNDING + self.noise

    @property
    def near(self) -> bool:
        """Whether other arithmetic explains all of it."""
        return any(
            self.largest <= largest + self.noise and self.mean <= mean + self.noise
            for largest, mean in NEAR
        )

    def and_(self, other: Match) -> Match:
        """Return the worse of both in each respect."""
        return Match(
            max(self.largest, other.largest),
            max(self.mean, other.mean),
            max(self.noise, other.noise),
        )


APART = Match(255.0, 255.0)


def match(seen: Floats, ours: Image, *, noise: float = 0.0) -> Match:
    """Compare pixels (H, W, 3) with a rendering; what lies beyond black and white counts as these.

    Renderings that differ much in the middle are not looked at further.
    """
    if seen.shape != ours.shape:
        return APART
    top, left = ((side - PATCH) // 2 if side > PATCH else 0 for side in seen.shape[:2])
    patch = (slice(top, top + PATCH), slice(left, left + PATCH))
    if _difference(seen[patch], ours[patch]).mean() > FAR + noise:
        return APART
    difference = _difference(seen, ours)
    return Match(float(difference.max()), float(difference.mean()), noise)


def _difference(seen: Floats, ours: Image) -> Floats:
    difference: Floats = np.abs(np.clip(seen, 0.0, 255.0) - ours)
    return difference
