"""Medians of numbers that may be infinite, with intervals from the ranks alone."""

from __future__ import annotations

import math

import numpy as np

from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import LEVEL, NORMAL, Floats


def median(values: Floats, *, scale: float = 1.0) -> Estimate:
    """Estimate the median of one number a sample (N,), infinity included, by order statistics.

    How many of N numbers lie below their median is binomial: the interval is between the k-th
    smallest and the k-th largest, with the largest k that leaves at most 2.5 % on each side. It
    covers whatever the distribution, never less than 95 %, and has no ends below six samples. What
    is infinite becomes None. W. R. Thompson, "On confidence ranges for the median", Annals of
    Mathematical Statistics 7 (1936).
    """
    n = values.size
    if n == 0:
        return Estimate(None, None, None, 0)
    ordered, k = np.sort(values), rank_of_interval(n)
    middle = float(ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    ends = (float(ordered[k - 1]), float(ordered[n - k])) if k else (math.nan, math.nan)
    finite = [scale * v if math.isfinite(v) else None for v in (middle, *ends)]
    return Estimate(finite[0], finite[1], finite[2], n)


def rank_of_interval(n: int) -> int:
    """Return the largest k with P(fewer than k of ``n`` coins show heads) <= 2.5 %; 0 if none."""
    from scipy.special import bdtr  # 0.2 s to import

    centre = int(n / 2 - NORMAL * math.sqrt(n) / 2)
    heads = np.arange(max(0, centre - 5), min(n, centre + 5) + 1, dtype=float)
    return int(heads[0]) + int((bdtr(heads, n, 0.5) <= (1 - LEVEL) / 2).sum())
