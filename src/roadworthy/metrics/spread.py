"""How far several accuracies on the same images lie apart: their standard deviation."""

from __future__ import annotations

import math

import numpy as np

from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import LEVEL, NORMAL, Floats, estimate, wilson

TAIL = (1 - LEVEL) / 2
CERTAIN = 1e4
"""Squared distances, in squared standard errors, from which a normal interval is as good."""


def spread(values: Floats, *, ddof: int) -> Estimate:
    """Estimate the standard deviation of the means of K columns of [0, 1] (N, K), in points.

    ``ddof`` is 1 for the sample standard deviation, 0 for NumPy's default. Means of few samples lie
    apart by luck alone: the squared distance of the columns from their common mean is too large by
    the trace of its covariance. The interval allows for that, so that the value may stand at its
    upper end or above its middle: the squared distance is taken for a scaled noncentral chi-square of
    the same mean, whose scale is the variance in the direction of the distance (after P. Patnaik,
    Biometrika 36 (1949)), and the interval holds every distance that would give it.
    """
    n, columns = values.shape
    if n == 0 or columns <= ddof or columns < 2:
        return Estimate(None, None, None, n)
    apart = values - values.mean(axis=1, keepdims=True)
    means = apart.mean(axis=0)
    squared = float(np.square(means).sum())
    value = math.sqrt(squared / (columns - ddof))
    if n < 2:
        return estimate(value, math.nan, math.nan, n, scale=100.0)
    residual = apart - means
    noise = float(np.square(residual).sum()) / (n * (n - 1))
    along = float(np.square(residual @ means).sum()) / (n * (n - 1))
    if noise == 0:
        # no verdict differs: as if one column did on as many images as none seen in n allows
        _, share = wilson(0, n)
        far = float(share) * math.sqrt((1 - 1 / columns) / (columns - ddof))
        return estimate(value, max(0.0, value - far), value + far, n, scale=100.0)
    unit = along / squared if squared > 0 and along > 0 else noise / (columns - 1)
    low, high = _noncentralities(squared / unit, max(noise / unit, 1e-3))
    ends = [math.sqrt(end * unit / (columns - ddof)) for end in (low, high)]
    return estimate(value, min(value, ends[0]), max(value, ends[1]), n, scale=100.0)


def _noncentralities(squared: float, degrees: float) -> tuple[float, float]:
    """Return the noncentralities between which a chi-square of ``degrees`` may give ``squared``."""
    if squared > CERTAIN:
        # the root of a noncentral chi-square is normal, and a little too large
        centre = math.sqrt(max(0.0, squared - degrees + 1))
        return max(0.0, centre - NORMAL) ** 2, (centre + NORMAL) ** 2
    from scipy.special import chndtr  # 0.2 s to import

    def found(chance: float) -> float:
        """Return the noncentrality that leaves ``chance`` below; 0 if none leaves so much."""
        low, high = 0.0, (math.sqrt(squared) + 8) ** 2
        for _ in range(60):
            middle = (low + high) / 2
            below = float(chndtr(squared, degrees, middle)) > chance
            low, high = (middle, high) if below else (low, middle)
        return low

    return found(1 - TAIL), found(TAIL)
