"""Selective prediction: what the confidence is worth for refusing to answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import Clusters, cluster, verdicts
from roadworthy.metrics.interval import Floats, estimate, proportion, standard_error, t_quantile

RISK = 0.05


@metric(unit="percent", direction="lower", headline=False, paper="geifman2019")
def aurc(rows: Rows) -> Estimate | None:
    """Area under the risk-coverage curve: the mean selective risk over all coverages, in percent.

    100 · mean over k = 1..rows of the error rate among the k most confident rows; rows of equal
    confidence share their errors evenly, so their order does not matter. Interval on the log scale
    from the clustered influence function (an error weighs -log of its coverage, and an image takes
    places from all less confident ones); where that has no spread, the interval of the error rate
    stands in. None where nothing was judged with a confidence. Geifman, Uziel and El-Yaniv,
    "Bias-reduced uncertainty estimation for deep neural classifiers", ICLR 2019.
    """
    data = cluster(verdicts(rows, "correct", "conf").select("sample", "correct", "conf"))
    if not data.size:
        return Estimate(None, None, None, 0) if rows.is_empty() else None
    rank = _ranked(data)
    count, errors = rank.errors.size, rank.errors
    position = np.arange(1, count + 1)
    weight = rank.share(_from_end(1 / position))
    value = float((errors * weight).mean())
    moved = rank.share(_from_end(rank.share(errors) / position))
    influence = np.empty(count)
    influence[rank.order] = errors * weight - moved + errors.mean() - value
    error = standard_error(data.sums(influence) * data.size / count)
    if not 1e-9 < error < math.inf:
        bare = proportion(data.sums(1 - data["correct"]), data.counts)
        return Estimate(100 * value, bare.low, bare.high, data.size)
    factor = math.exp(t_quantile(data.size - 1) * error / value)
    return estimate(value, value / factor, min(1.0, value * factor), data.size, scale=100.0)


@metric(unit="percent", direction="higher", headline=False, paper="geifman2017")
def coverage_at_risk(rows: Rows) -> Estimate | None:
    """Largest coverage at which the selective risk is at most 5 %, in percent.

    100 · max k / rows such that at most 5 % of the k most confident rows are wrong; 0 where there
    is none. The interval inverts a score test of "the risk at this coverage is 5 %", whose
    clustered variance includes that of the confidence threshold, so that neither the slope of the
    curve nor errors among the first few are needed. None where nothing was judged with a
    confidence. Geifman and El-Yaniv, "Selective classification for deep neural networks",
    NeurIPS 2017.
    """
    data = cluster(verdicts(rows, "correct", "conf").select("sample", "correct", "conf"))
    if not data.size:
        return Estimate(None, None, None, 0) if rows.is_empty() else None
    rank = _ranked(data)
    count = rank.errors.size
    position = np.arange(1, count + 1)
    excess = np.cumsum(rank.errors) - RISK * position
    spread = t_quantile(max(1, data.size - 1)) * np.sqrt(_variance_of_excess(data, rank))

    def largest(bound: Floats) -> float:
        # 1e-9: 0.05 · k is not exact; inside a tie no threshold can end
        allowed = np.flatnonzero(rank.last & (bound <= 1e-9))
        return float(allowed[-1] + 1) / count if allowed.size else 0.0

    low, value, high = (largest(excess + side * spread) for side in (1, 0, -1))
    return estimate(value, low, high, data.size, scale=100.0)


@dataclass(frozen=True)
class _Ranked:
    """Rows by falling confidence (rows,): their order, errors, tie numbers, and where ties end."""

    order: NDArray[np.int64]
    errors: Floats
    tie: NDArray[np.int64]
    last: NDArray[np.bool_]

    def share(self, values: Floats) -> Floats:
        """Average values over the rows of each tie."""
        mean: Floats = np.bincount(self.tie, weights=values) / np.bincount(self.tie)
        return mean[self.tie]


def _ranked(data: Clusters) -> _Ranked:
    order = np.argsort(-data["conf"], kind="stable")
    conf = data["conf"][order]
    last = np.append(conf[1:] != conf[:-1], True)
    return _Ranked(order, 1 - data["correct"][order], np.cumsum(last) - last, last)


def _from_end(terms: Floats) -> Floats:
    sums: Floats = np.cumsum(terms[::-1])[::-1]
    return sums


def _variance_of_excess(data: Clusters, rank: _Ranked) -> Floats:
    """Return the variance of (errors - RISK · k) among the first k rows, if the risk there is RISK.

    One row more at the threshold brings the error rate found there, so the influence of a row is
    1[among the first k] · (error - local rate). Its null variance is binomial; the design effect
    is the observed ratio of clustered to row-wise squares.
    """
    count = rank.errors.size
    position = np.arange(1, count + 1)
    total = np.append(0.0, np.cumsum(rank.errors))
    reach = max(10, count // 20)
    first, past = np.maximum(position - reach, 0), np.minimum(position + reach, count)
    local = (total[past] - total[first]) / (past - first)
    squares = RISK * (1 - RISK) + np.square(RISK - local)
    design = np.ones(count) if data.single else _design_effect(data, rank, local)
    variance = design * position * squares
    variance = variance - np.square(position * (RISK - local)) / data.size
    floored: Floats = np.maximum(variance, design * position * RISK * (1 - RISK))
    return floored


def _design_effect(data: Clusters, rank: _Ranked, local: Floats) -> Floats:
    sample, errors = data.index[rank.order], rank.errors
    grouped = np.argsort(sample, kind="stable")

    def before(values: Floats) -> Floats:
        """Sum of the earlier rows of the same sample."""
        run = np.cumsum(values[grouped]) - values[grouped]
        starts = np.append(True, np.diff(sample[grouped]) != 0)
        result = np.empty(values.size)
        result[grouped] = run - run[starts][np.cumsum(starts) - 1]
        return result

    seen, wrong = before(np.ones(errors.size)), before(errors)
    clustered = np.cumsum(2 * wrong * errors + errors**2)
    clustered -= 2 * local * np.cumsum(wrong + errors * seen + errors)
    clustered += np.square(local) * np.cumsum(2 * seen + 1)
    rowwise = np.cumsum(errors**2) - 2 * local * np.cumsum(errors)
    rowwise += np.square(local) * np.arange(1, errors.size + 1)
    overall = clustered[-1] / rowwise[-1] if rowwise[-1] > 1e-9 else errors.size / data.size
    # among the first few rows there are too few errors to see how they cluster
    ratio: Floats = np.maximum((clustered + 2 * overall) / (rowwise + 2), 1.0)
    return ratio
