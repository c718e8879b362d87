"""Proper scores: negative log-likelihood and the Brier score."""

from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import cluster, unmeasured
from roadworthy.metrics.interval import mean
from roadworthy.metrics.samples import by_sample


def _of(name: str) -> Callable[[Rows], pl.DataFrame]:
    return lambda rows: by_sample(rows["sample"], rows[name])


@metric(
    unit="nats", direction="lower", headline=False, paper="gneiting2007", contributions=_of("loss")
)
def nll(rows: Rows) -> Estimate | None:
    """Mean negative log-likelihood of the label: mean(loss) in nats, 0 and up.

    Clustered t interval over samples; no interval for one sample or without any spread, and no
    value where a loss is infinite. None where no loss was recorded. Gneiting and Raftery,
    "Strictly proper scoring rules, prediction, and estimation", JASA 102 (2007).
    """
    return _mean_of(rows, "loss", high=math.inf)


@metric(
    unit="none", direction="lower", headline=False, paper="brier1950", contributions=_of("brier")
)
def brier(rows: Rows) -> Estimate | None:
    """Mean Brier score: the mean over rows of the sum over classes of (probability - one-hot)².

    0 (certain and right) to 2 (certain and wrong). Clustered t interval over samples, kept inside
    that range. None where it was not recorded. G. W. Brier, "Verification of forecasts expressed
    in terms of probability", Monthly Weather Review 78 (1950).
    """
    return _mean_of(rows, "brier", high=2.0)


def _mean_of(rows: Rows, name: str, *, high: float) -> Estimate | None:
    data = cluster(_of(name)(rows), rows)
    if not data.measured:
        return unmeasured(rows, data)
    return mean(data.sums(data["value"]), data.counts, low=0.0, high=high)
