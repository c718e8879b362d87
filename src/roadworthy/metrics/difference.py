"""The difference of one metric between two runs on the same samples, with its paired interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.metrics.base import FRACTIONS, Estimate, Statistic
from roadworthy.metrics.drop import paired_difference
from roadworthy.metrics.interval import Floats, estimate, influence_of_ratio


@dataclass(frozen=True)
class Pair:
    """What each sample contributes to a metric in two runs, side by side.

    ``sums`` and ``counts`` are (2, N) over the samples that contribute to either: the sum of the
    values of each sample, and how many there are. ``verdicts`` says that all values are 0 or 1.
    """

    sums: Floats
    counts: Floats
    verdicts: bool

    @property
    def matched(self) -> bool:
        """Whether every sample contributes as many values to both."""
        return bool(np.array_equal(self.counts[0], self.counts[1]))


def pair(a: pl.DataFrame | None, b: pl.DataFrame | None) -> Pair | None:
    """Bring contributions (sample, value) of two runs together; None without usable ones."""
    if a is None or b is None:
        return None
    frames = [frame.select("sample", "value").drop_nulls() for frame in (a, b)]
    if any(frame.is_empty() for frame in frames):
        return None
    where = _numbered(frames[0]["sample"], frames[1]["sample"])
    values = [frame["value"].cast(pl.Float64).to_numpy() for frame in frames]
    size = 1 + int(max(numbers.max() for numbers in where))
    added = [np.bincount(i, v, size) for i, v in zip(where, values, strict=True)]
    sums = np.stack(added).astype(np.float64)
    counts = np.stack([np.bincount(i, minlength=size).astype(float) for i in where])
    there = counts.any(axis=0)
    verdicts = all(bool(((v == 0) | (v == 1)).all()) for v in values)
    return Pair(sums[:, there], counts[:, there], verdicts)


def _numbered(a: pl.Series, b: pl.Series) -> list[NDArray[np.int64]]:
    """Return small numbers for samples, the same ones in both."""
    if a.dtype.is_integer() and b.dtype.is_integer():
        return [a.to_numpy().astype(np.int64), b.to_numpy().astype(np.int64)]
    ids = pl.concat([a, b]).rank("dense").to_numpy().astype(np.int64)
    return np.split(ids, [len(a)])


def correlation(found: Pair, statistic: Statistic) -> float:
    """Return how far two runs err together in a metric, -1 to 1: that of the influences of samples.

    0 where one of them has no spread.
    """
    first, second = (
        _influence(sums, counts, statistic)
        for sums, counts in zip(found.sums, found.counts, strict=True)
    )
    spread = math.sqrt(float(first @ first) * float(second @ second))
    return max(-1.0, min(1.0, float(first @ second) / spread)) if spread > 0 else 0.0


def difference(
    a: Estimate,
    b: Estimate,
    found: Pair | None,
    *,
    unit: str,
    statistic: Statistic = "mean",
    factor: float = 1.0,
) -> Estimate:
    """Estimate ``b - a`` of one metric in two runs on the same samples.

    ``factor`` says by how much the intervals of ``a`` and ``b`` are wider than usual, because a run
    stopped when one was narrow: that of the difference then is, too.

    Shares of as many verdicts of every sample in both have the adjusted Wald interval of `drop`,
    and so have other shares that agree on every sample.
    Everything else is put together from its own two intervals and the `correlation` of what samples
    contribute (without contributions 0, as of two independent runs), which see `_end`. So it is
    skewed where they are, and Student's where they are. Without a value in both there is none.
    G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures", Statistics in
    Medicine 27 (2008); R. G. Newcombe, "Improved confidence intervals for the difference between
    binomial proportions based on paired data", Statistics in Medicine 17 (1998).
    """
    n = min(a.n, b.n) if found is None else found.sums.shape[1]
    if a.value is None or b.value is None:
        return Estimate(None, None, None, n, a.reason or b.reason)
    value = b.value - a.value
    if found is not None and unit in FRACTIONS and found.matched:
        gained = found.sums[1] - found.sums[0]
        # Without any spread the ends below would say that two models can never differ.
        if found.verdicts or not gained.any():
            return _widened(paired_difference(gained, found.counts[0]), factor)
    together = 0.0 if found is None else correlation(found, statistic)
    (below, above), (below_b, above_b) = _sides(a), _sides(b)
    low = _end(below_b, above, max(below_b - below, above - above_b), together)
    high = _end(above_b, below, max(above_b - above, below - below_b), together)
    return estimate(value, value - low, value + high, n)


def _widened(points: Estimate, factor: float) -> Estimate:
    if points.value is None or points.low is None or points.high is None:
        return points
    low = max(-100.0, points.value - factor * (points.value - points.low))
    high = min(100.0, points.value + factor * (points.high - points.value))
    return replace(points, low=low, high=high)


def _influence(sums: Floats, counts: Floats, statistic: Statistic) -> Floats:
    if statistic == "mean":
        return influence_of_ratio(sums, counts)
    there = counts > 0
    middle = float(np.median(sums[there]))
    beyond = (sums > middle).astype(float) - (sums < middle)
    sides: Floats = np.where(there, beyond, 0.0)
    return sides


def _sides(one: Estimate) -> tuple[float, float]:
    """Return how far the ends of an interval are from the value; infinity where one is unknown."""
    assert one.value is not None
    low = math.inf if one.low is None else max(0.0, one.value - one.low)
    high = math.inf if one.high is None else max(0.0, one.high - one.value)
    return low, high


def _end(first: float, second: float, same: float, together: float) -> float:
    """Return how far an end of a difference is away.

    ``first`` and ``second`` are how far the ends are that move it there if both err independently,
    or in opposite ways, ``same`` how far it goes if they err alike. Squares add as variances do:
    those of symmetric intervals to first² + second² - 2 · together · first · second.
    """
    if math.isinf(first) or math.isinf(second):
        return math.inf
    if together < 0:
        return math.sqrt(first * first + second * second - 2 * together * first * second)
    apart = first * first + second * second
    return math.sqrt((1 - together) * apart + together * max(0.0, same) ** 2)
