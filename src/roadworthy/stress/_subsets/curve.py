"""Confidence against how much of an image is left."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._subsets.left import LEFT
from roadworthy.stress._subsets.removal import NEVER, Removal


def curve(removal: Removal) -> NDArray[np.float64]:
    """Return the confidence of each image where the shares in `LEFT` are left, (N, points).

    At the last step at which at least so many units are left; NaN where an order ended before it.
    """
    found = np.full((len(removal), len(LEFT)), np.nan)
    for index, order in enumerate(removal.orders):
        there = order[order != NEVER]
        left = np.bincount(there)[::-1].cumsum()[::-1]
        known = removal.confidence[index]
        for point, share in enumerate(LEFT[:-1]):
            wanted = max(1, math.ceil(len(there) * share - 1e-9))
            step = int(np.flatnonzero(left >= wanted)[-1])
            found[index, point] = known[step] if step < len(known) else np.nan
    found[:, -1] = removal.baseline
    return found
