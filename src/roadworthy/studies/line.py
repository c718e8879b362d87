"""Straight lines through weighted points, many sets of weights at once, and what a point weighs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.metrics.interval import Floats

FEWEST = 3
"""Points without which no line is fitted: two are always on one."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Lines:
    """Lines y = intercept + slope * x, one for each set of weights (...); NaN where there is none.

    ``r2`` is the share of the spread of y that the line explains.
    """

    slope: Floats
    intercept: Floats
    r2: Floats


def lines(x: Floats, y: Floats, weights: Floats) -> Lines:
    """Fit by least squares to points (..., M) with ``weights`` (..., M), all broadcast together.

    Points that are not finite, or have no weight, do not count. There is no line through fewer than
    three points, nor where all x are the same.
    """
    x, y, weights = np.broadcast_arrays(x, y, weights)
    used = np.isfinite(x) & np.isfinite(y) & (weights > 0)
    x, y = np.where(used, x, 0.0), np.where(used, y, 0.0)
    w = np.where(used, weights, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = w.sum(-1, keepdims=True)
        dx = np.where(used, x - (w * x).sum(-1, keepdims=True) / total, 0.0)
        dy = np.where(used, y - (w * y).sum(-1, keepdims=True) / total, 0.0)
        xx, xy, yy = ((w * a * b).sum(-1) for a, b in ((dx, dx), (dx, dy), (dy, dy)))
        # what is left of equal x after subtracting their mean is rounding
        spread = np.abs(dx).max(-1) > 1e-9 * np.maximum(1e-9, np.abs(x).max(-1))
        slope = np.where((used.sum(-1) >= FEWEST) & spread, xy / xx, np.nan)
        level = (w * y).sum(-1) / total[..., 0] - slope * (w * x).sum(-1) / total[..., 0]
        r2 = np.where(np.isfinite(slope) & (yy > 0), xy * xy / (xx * yy), np.nan)
    return Lines(slope, level, r2)


def leverages(x: Floats) -> Floats:
    """Return how much each point (M,) weighs for its own fitted value, 1 / M to 1; NaN if not finite.

    They add up to two, the number of parameters of a line.
    """
    known = np.isfinite(x)
    found = np.full(x.shape, np.nan)
    dx = x[known] - x[known].mean() if known.any() else x[known]
    total = float(np.square(dx).sum())
    if total > 0:
        found[known] = 1 / known.sum() + np.square(dx) / total
    return found


def stand_out(x: Floats) -> Mask:
    """Return which points (M,) have more than twice the mean leverage, and so may turn the line.

    That is 4 / M. D. C. Hoaglin & R. E. Welsch, "The hat matrix in regression and ANOVA", The
    American Statistician 32 (1978).
    """
    found = leverages(x)
    count = int(np.isfinite(found).sum())
    return np.isfinite(found) & (np.nan_to_num(found) > 4 / max(count, 1))


def frontier(accuracy: Floats, distance: Floats, present: Mask) -> Mask:
    """Return which points (..., M) no other that is ``present`` dominates: as good in both, better in one.

    Points that are absent or not finite are not on it and dominate nothing.
    """
    accuracy, distance, present = np.broadcast_arrays(accuracy, distance, present)
    known = present & np.isfinite(accuracy) & np.isfinite(distance)
    a, d = np.where(known, accuracy, -np.inf), np.where(known, distance, -np.inf)
    as_good = (a[..., None, :] >= a[..., :, None]) & (d[..., None, :] >= d[..., :, None])
    better = (a[..., None, :] > a[..., :, None]) | (d[..., None, :] > d[..., :, None])
    found: Mask = known & ~(as_good & better & known[..., None, :]).any(-1)
    return found
