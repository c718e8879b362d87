"""Selective prediction: how much can be answered at a given risk."""

from __future__ import annotations

import numpy as np

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import Clusters, judged, unmeasured
from roadworthy.metrics.interval import Floats, estimate, t_quantile, wilson
from roadworthy.metrics.selective import Ranked, ranks_of
from roadworthy.metrics.sorting import grouped

RISK = 0.05


@metric(unit="percent", direction="higher", headline=False, paper="geifman2017")
def coverage_at_risk(rows: Rows) -> Estimate | None:
    """Largest coverage at which the selective risk is at most 5 %, in percent.

    100 · max k / rows such that at most 5 % of the k most confident rows are wrong; 0 where there
    is none. The interval inverts a score test of "the risk at this coverage is 5 %", whose
    clustered variance includes that of the confidence threshold, so that neither the slope of the
    curve nor errors among the first few are needed; a few unseen samples of still higher
    confidence are allowed for. None where nothing was judged with a
    confidence. Geifman and El-Yaniv, "Selective classification for deep neural networks",
    NeurIPS 2017.
    """
    data = judged(rows, "correct", "conf")
    if not data.measured:
        return unmeasured(rows, data)
    rank = ranks_of(rows, data)
    count = rank.errors.size
    position = np.arange(1.0, count + 1)
    # a sum of whole numbers is much faster than one of fractions
    total = np.cumsum(rank.errors.astype(np.int64)).astype(np.float64)
    excess = total - RISK * position
    variance = _variance_of_excess(data, rank, position, total)
    spread = t_quantile(max(1, data.size - 1)) * np.sqrt(variance)

    def largest(bound: Floats) -> float:
        # 1e-9: 0.05 · k is not exact; inside a tie no threshold can end
        allowed = np.flatnonzero(rank.last & (bound <= 1e-9))
        return float(allowed[-1] + 1) / count if allowed.size else 0.0

    low, value, high = (largest(excess + side * spread) for side in (1, 0, -1))
    high = max(high, float(wilson(0, data.size)[1]))
    return estimate(value, low, high, data.size, scale=100.0)


def _variance_of_excess(data: Clusters, rank: Ranked, position: Floats, total: Floats) -> Floats:
    """Return the variance of (errors - RISK · k) among the first k rows, if the risk there is RISK.

    One row more at the threshold brings the error rate found there, so the influence of a row is
    1[among the first k] · (error - local rate). Its null variance is binomial; the design effect
    is the observed ratio of clustered to row-wise squares.
    """
    local = _local_rate(total, position)
    apart = np.square(RISK - local)
    scaled = position if data.single else position * _design_effect(data, rank, local)
    least = scaled * (RISK * (1 - RISK))
    variance = least + apart * (scaled - np.square(position) / data.size)
    floored: Floats = np.maximum(variance, least)
    return floored


def _local_rate(total: Floats, position: Floats) -> Floats:
    """Return the error rate around each place, from the sums of errors up to it."""
    count = total.size
    reach = min(count, max(10, count // 20))
    wrong = np.full(count, total[-1])
    wrong[: count - reach] = total[reach:]
    wrong[reach:] -= total[: count - reach]
    among = np.minimum(position + reach, count) - np.maximum(position - reach, 0)
    rate: Floats = wrong / among
    return rate


def _design_effect(data: Clusters, rank: Ranked, local: Floats) -> Floats:
    errors = rank.errors.astype(np.int64)
    together, counts = grouped(data.index[rank.order]), data.counts.astype(np.int64)
    first, own = np.cumsum(counts) - counts, errors[together]
    seen, wrong = np.empty_like(errors), np.empty_like(errors)  # earlier rows of the same sample
    seen[together] = np.arange(errors.size) - first[data.index]
    run = np.cumsum(own) - own
    wrong[together] = run - run[first][data.index]
    total, squared = np.cumsum(errors), np.square(local)
    clustered = np.cumsum((2 * wrong + 1) * errors) + squared * np.cumsum(2 * seen + 1)
    clustered -= 2 * local * np.cumsum(wrong + errors * (seen + 1))
    rowwise = total - 2 * local * total + squared * np.arange(1, errors.size + 1)
    overall = clustered[-1] / rowwise[-1] if rowwise[-1] > 1e-9 else errors.size / data.size
    # among the first few rows there are too few errors to see how they cluster
    ratio: Floats = np.maximum((clustered + 2 * overall) / (rowwise + 2), 1.0)
    return ratio
