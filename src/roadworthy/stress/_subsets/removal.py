"""The order in which units of an image can be done without, and the subsets that it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEVER = 65535
"""In an order: units that were gone before it began."""

MOST_STEPS = NEVER
"""Steps are counted in 16 bits."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Removal:
    """How N images lose their units, by which the confidence in one class of each changes.

    ``order`` (N, h, w), uint16, is the step at which each unit goes, ``confidence`` (N, steps) that
    before each step, NaN where there was none; step 0 is the whole image. ``baseline`` (N,) is the
    confidence with every unit gone. Those that are ``partial`` (N,) were stopped early: the units
    that were left then count as gone in the last step.
    """

    order: NDArray[np.uint16]
    confidence: NDArray[np.floating[Any]]
    baseline: NDArray[np.floating[Any]]
    partial: Flags

    def __len__(self) -> int:
        return len(self.order)

    @property
    def orders(self) -> NDArray[np.uint16]:
        """The order of each image in a row, (N, units)."""
        count, height, width = self.order.shape
        return self.order.reshape(count, height * width)

    @property
    def units(self) -> NDArray[np.int64]:
        """Number of units that there were to remove (N,)."""
        return np.asarray((self.order != NEVER).sum((1, 2)))

    def kept(self, step: NDArray[np.int64]) -> Flags:
        """Return what is left before the given step of each image, (N, h, w)."""
        return np.asarray((self.order >= step[:, None, None]) & (self.order != NEVER))


@dataclass(frozen=True)
class Subsets:
    """One subset an image: ``kept`` (N, h, w), empty where there is none.

    ``step`` (N,) is how many steps were taken to it. Without a subset, the whole image is ``under``
    the threshold, or what is no image at all reaches it (``invalid``), or nothing on the way does.
    """

    kept: Flags
    step: NDArray[np.int64]
    under: Flags
    invalid: Flags

    @property
    def found(self) -> Flags:
        """Which images have a subset, (N,)."""
        return np.asarray(self.kept.any((1, 2)))


def sufficient(removal: Removal, threshold: float, *, whole: bool = True) -> Subsets:
    """Return for each image what is left at the last step at which the threshold is still reached.

    That is the shortest end of the order that suffices and from which on nothing shorter does. It
    takes that the whole image reaches the threshold and the baseline does not: otherwise there is no
    subset. Without ``whole`` the image itself need not: some class is aimed at. Carter, Mueller, Jain
    & Gifford, AISTATS 2019.
    """
    reached = removal.confidence >= removal.confidence.dtype.type(threshold)  # NaN never does
    steps = reached.shape[1]
    step = steps - 1 - reached[:, ::-1].argmax(1)
    under = ~reached[:, 0] if whole else np.zeros(len(removal), bool)
    invalid = removal.baseline >= removal.baseline.dtype.type(threshold)
    good = reached.any(1) & ~under & ~invalid
    step = np.where(good, step, steps)
    return Subsets(removal.kept(step) & good[:, None, None], step, under, invalid & ~under)


def last(removal: Removal, fraction: float) -> Flags:
    """Return the ``fraction`` of the units that go last, (N, h, w): whole steps, at least so many.

    Of n units the last ceil(fraction n), and what goes in the same step with one of them. Orders
    that were stopped before hold no such subset, which is then empty.
    """
    kept = np.zeros(removal.orders.shape, bool)
    for index, order in enumerate(removal.orders):
        there = order[order != NEVER]
        if not len(there):
            continue
        wanted = math.ceil(len(there) * fraction - 1e-9)
        ends = np.bincount(there)[::-1].cumsum()[::-1]  # units left before each step
        step = int(np.flatnonzero(ends >= wanted)[-1])
        if not (removal.partial[index] and step == len(ends) - 1 and ends[step] > wanted):
            kept[index] = (order >= step) & (order != NEVER)
    return kept.reshape(removal.order.shape)


def sequence(order: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return the units of one image (h, w) as they go, by their flat index; those of a step by index."""
    flat = order.ravel()
    ranked = np.argsort(flat, kind="stable")
    found: NDArray[np.int64] = ranked[flat[ranked] != NEVER]
    return found
