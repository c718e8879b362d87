"""Selective prediction: what the confidence is worth for refusing to answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import Clusters, judged, unmeasured
from roadworthy.metrics.interval import (
    Floats,
    estimate,
    proportion,
    standard_error,
    t_quantile,
)
from roadworthy.metrics.samples import by_sample
from roadworthy.metrics.seen import once
from roadworthy.metrics.sorting import falling


def risks(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the area as a fraction, plus the influence of each sample on it."""
    data = judged(rows, "correct", "conf")
    if not data.measured:
        return None
    value, influence = _area(data, ranks_of(rows, data))
    return by_sample(data.samples, value + influence)


@metric(unit="percent", direction="lower", headline=False, paper="geifman2019", contributions=risks)
def aurc(rows: Rows) -> Estimate | None:
    """Area under the risk-coverage curve: the mean selective risk over all coverages, in percent.

    100 · mean over k = 1..rows of the error rate among the k most confident rows; rows of equal
    confidence share their errors evenly, so their order does not matter. Interval on the log scale
    from the clustered influence function (an error weighs -log of its coverage, and an image takes
    places from all less confident ones); where that has no spread, the interval of the error rate
    stands in. None where nothing was judged with a confidence. Geifman, Uziel and El-Yaniv,
    "Bias-reduced uncertainty estimation for deep neural classifiers", ICLR 2019.
    """
    data = judged(rows, "correct", "conf")
    if not data.measured:
        return unmeasured(rows, data)
    value, influence = _area(data, ranks_of(rows, data))
    error = standard_error(influence)
    if not 1e-9 < error < math.inf:
        bare = proportion(data.sums(1 - data["correct"]), data.counts)
        return Estimate(100 * value, bare.low, bare.high, data.size)
    factor = math.exp(t_quantile(data.size - 1) * error / value)
    return estimate(value, value / factor, min(1.0, value * factor), data.size, scale=100.0)


def _area(data: Clusters, rank: Ranked) -> tuple[float, Floats]:
    """Return the area as a fraction, and the influence of each sample on it (samples,)."""
    count, errors = rank.errors.size, rank.errors
    share = _share_of_places(count)
    weight = rank.share(_tails(count))
    value = min(1.0, float((errors * weight).mean()))  # 1 + rounding where all are wrong
    moved = rank.share(_from_end(rank.share(errors) * share))
    influence = np.empty(count)
    influence[rank.order] = errors * weight - moved + errors.mean() - value
    return value, data.sums(influence) * data.size / count


@dataclass(frozen=True)
class Ranked:
    """Rows by falling confidence (rows,): their order, errors, and where ties end."""

    order: NDArray[np.int64]
    errors: Floats
    last: NDArray[np.bool_]

    def share(self, values: Floats) -> Floats:
        """Average values over the rows of each tie."""
        if self.untied:
            return values
        mean: Floats = np.bincount(self._tie, weights=values) / self._sizes
        return np.repeat(mean, self._sizes)

    @cached_property
    def untied(self) -> bool:
        """Whether no two rows are tied."""
        return bool(self.last.all())

    @cached_property
    def _sizes(self) -> NDArray[np.int64]:
        return np.bincount(self._tie)

    @cached_property
    def _tie(self) -> NDArray[np.int64]:
        """The number of the tie that each row is in."""
        ties: NDArray[np.int64] = np.cumsum(self.last, dtype=np.int64) - self.last
        return ties


def ranks_of(rows: Rows, data: Clusters) -> Ranked:
    """Return `ranked` of ``data``, which are of ``rows``; once for all metrics of these."""
    return once(rows, "ranked", lambda: ranked(data))


def ranked(data: Clusters) -> Ranked:
    """Rank the rows of columns conf and correct."""
    order = falling(data["conf"])
    conf = data["conf"][order]
    last = np.append(conf[1:] != conf[:-1], True)
    return Ranked(order, 1 - data["correct"][order], last)


@lru_cache(maxsize=4)
def _share_of_places(count: int) -> Floats:
    """Return 1 / k for the places k = 1 .. count; the same for all that have so many rows."""
    return 1 / np.arange(1, count + 1)


@lru_cache(maxsize=4)
def _tails(count: int) -> Floats:
    return _from_end(_share_of_places(count))


def _from_end(terms: Floats) -> Floats:
    sums: Floats = np.cumsum(terms[::-1])[::-1]
    return sums
