"""95 % intervals in closed form: Wilson and clustered influence functions; clusters are samples."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.metrics.base import Estimate

Floats = NDArray[np.float64]

LEVEL = 0.95
NORMAL = NormalDist().inv_cdf(0.5 + LEVEL / 2)


@lru_cache
def t_quantile(degrees: int) -> float:
    """Return the two-sided 95 % quantile of Student's t; the normal one beyond 10 000 degrees.

    A clustered variance is itself estimated, from as many terms as there are samples; for few
    samples the normal quantile would make the interval too short (12.7 instead of 1.96 for two).
    """
    if degrees < 1:
        return math.inf
    if degrees > 10_000:
        return NORMAL
    from scipy.special import stdtrit  # 0.2 s to import, needed for clustered rows only

    return float(stdtrit(degrees, 0.5 + LEVEL / 2))


def wilson(
    successes: ArrayLike, n: ArrayLike, *, quantile: ArrayLike = NORMAL
) -> tuple[Floats, Floats]:
    """Return the score interval (low, high) of a binomial proportion, in [0, 1], element-wise.

    ``n`` may be fractional (an effective size) and must be positive. E. B. Wilson, "Probable
    inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    size, squared = np.asarray(n, float), np.square(np.asarray(quantile, float))
    share = np.asarray(successes, float) / size
    centre = (share + squared / (2 * size)) / (1 + squared / size)
    spread = np.sqrt(squared * (share * (1 - share) / size + squared / (4 * size * size)))
    spread = spread / (1 + squared / size)
    # rounding must not push a bound past the estimate at 0 and 1
    return np.clip(centre - spread, 0, share), np.clip(centre + spread, share, 1)


def effective_size(share: ArrayLike, squares: ArrayLike, n: ArrayLike, rows: ArrayLike) -> Floats:
    """Return the number of independent rows that would give the same variance, element-wise.

    ``squares`` is the sum of squared influences of ``n`` samples with ``rows`` rows in all. Without
    any spread (all rows right, or all samples alike) only the samples count, so repeated variants
    never shorten an interval. L. Kish, "Survey Sampling" (1965), on the design effect.
    """
    spread = np.asarray(share, float) * (1 - np.asarray(share, float))
    squares, samples = np.asarray(squares, float), np.asarray(n, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = spread * samples * samples / squares
    usable = (squares > 1e-12 * samples) & (spread > 0)
    return np.where(usable, np.minimum(size, np.asarray(rows, float)), samples)


def influence_of_ratio(sums: Floats, counts: Floats) -> Floats:
    """Return the influence of each sample on ``sum(sums) / sum(counts)``; they average to zero."""
    influence: Floats = (sums - sums.sum() / counts.sum() * counts) * (sums.size / counts.sum())
    return influence


def standard_error(influence: Floats) -> float:
    """Return the clustered standard error of an estimate whose samples have these influences."""
    n = influence.size
    return math.sqrt(float(np.square(influence).sum()) / (n * (n - 1))) if n > 1 else math.inf


def estimate(value: float, low: float, high: float, n: int, *, scale: float = 1.0) -> Estimate:
    """Return an Estimate in which whatever is not a finite number is None."""
    if not math.isfinite(value):
        return Estimate(None, None, None, n)
    bounds = [scale * b if math.isfinite(b) else None for b in (low, high)]
    return Estimate(scale * value, bounds[0], bounds[1], n)


def proportion(sums: Floats, counts: Floats, *, scale: float = 100.0) -> Estimate:
    """Estimate a share of rows; ``sums`` are the hits and ``counts`` the rows of each sample.

    Where every sample has one row this is the Wilson interval. Otherwise the share is a ratio of
    sums: its influence-function variance gives the effective number of rows, which with a t
    quantile goes into the Wilson formula, so that the interval stays inside [0, 1], is never of
    zero width, and turns into Wilson's as rows per sample go to one.
    """
    n, rows = sums.size, float(counts.sum())
    if n == 0:
        return Estimate(None, None, None, 0)
    share = float(sums.sum() / rows)
    squares = np.square(influence_of_ratio(sums, counts)).sum()
    size = effective_size(share, squares, n, rows)
    single = rows == n or n == 1
    low, high = wilson(share * size, size, quantile=NORMAL if single else t_quantile(n - 1))
    return estimate(share, float(low), float(high), n, scale=scale)


def mean(
    sums: Floats, counts: Floats, *, low: float = -math.inf, high: float = math.inf
) -> Estimate:
    """Estimate a mean over rows that lie in [low, high], by its clustered t interval.

    One sample, or samples without any spread, say nothing about the variance: bounded values then
    fall back to the (conservative) Wilson interval of as many samples, unbounded ones to no
    interval.
    """
    n = sums.size
    if n == 0:
        return Estimate(None, None, None, 0)
    value = float(sums.sum() / counts.sum())
    error = standard_error(influence_of_ratio(sums, counts))
    if n > 1 and error > 1e-9 * max(1.0, abs(value)):
        half = t_quantile(n - 1) * error
        return estimate(value, max(low, value - half), min(high, value + half), n)
    if math.isinf(high - low):
        return estimate(value, math.nan, math.nan, n)
    below, above = wilson((value - low) / (high - low) * n, n)
    return estimate(value, low + float(below) * (high - low), low + float(above) * (high - low), n)
