"""How near a decision-based attack had come to the image after so many queries."""

from __future__ import annotations

from functools import partial

import polars as pl

from roadworthy.metrics.attacked import is_minimal
from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.order import median
from roadworthy.stress.query_marks import QUERY_MARKS


def nearest_after(rows: Rows, queries: int) -> pl.DataFrame | None:
    """Return sample and value: the smallest change found by so many queries, infinite without one.

    None for attacks that do not note it, and for those with a smaller budget of queries.
    """
    tried = _noted(rows)
    mark = QUERY_MARKS.index(queries)
    if tried is None or (tried["nearest_after"].list.len() <= mark).any():
        return None
    found = pl.col("nearest_after").list.get(mark).cast(pl.Float64)
    value = pl.when("success").then(found).otherwise(float("inf"))
    return tried.select("sample", value=value).group_by("sample").agg(pl.col("value").min())


def change_after(rows: Rows, queries: int) -> Estimate | None:
    """Estimate the median change after ``queries``, one of `QUERY_MARKS`; None where nobody noted it."""
    tried = _noted(rows)
    if tried is None:
        return None
    found = nearest_after(rows, queries)
    if found is None:
        why = f"the attack had a budget of fewer than {queries:,} queries"
        return Estimate(None, None, None, tried["sample"].n_unique(), why)
    least = found["value"]
    estimate = median(least.to_numpy())
    if estimate.value is not None:
        return estimate
    why = f"something was found on {int(least.is_finite().sum())} of {len(least)} images by then"
    return Estimate(None, estimate.low, estimate.high, estimate.n, why)


def _noted(rows: Rows) -> pl.DataFrame | None:
    tried = rows.filter(pl.col("success").is_not_null())
    if not is_minimal(rows) or tried["nearest_after"].null_count() == len(tried):
        return None
    return tried


@metric(
    needs=("nearest_after",),
    unit="none",
    direction="higher",
    headline=False,
    paper="brendel2018",
    contributions=partial(nearest_after, queries=100),
    statistic="median",
)
def median_change_after_100_queries(rows: Rows) -> Estimate | None:
    """Median of the smallest change that an attack had found by its 100th query, in its norm.

    Over all images that are right when clean; where the attack had found nothing by then, or what it
    found does not hold, the change is infinite. Null, with the reason, where that is half of them or
    more, or where the attack's budget was smaller. None for attacks that do not note it. Interval by
    order statistics. Brendel et al., "Decision-based adversarial attacks", ICLR 2018.
    """
    return change_after(rows, 100)


@metric(
    needs=("nearest_after",),
    unit="none",
    direction="higher",
    headline=False,
    paper="brendel2018",
    contributions=partial(nearest_after, queries=1000),
    statistic="median",
)
def median_change_after_1000_queries(rows: Rows) -> Estimate | None:
    """Median of the smallest change that an attack had found by its 1,000th query, in its norm.

    See ``median_change_after_100_queries``. Brendel et al., "Decision-based adversarial attacks",
    ICLR 2018.
    """
    return change_after(rows, 1000)


@metric(
    needs=("nearest_after",),
    unit="none",
    direction="higher",
    headline=False,
    paper="brendel2018",
    contributions=partial(nearest_after, queries=5000),
    statistic="median",
)
def median_change_after_5000_queries(rows: Rows) -> Estimate | None:
    """Median of the smallest change that an attack had found by its 5,000th query, in its norm.

    See ``median_change_after_100_queries``. Brendel et al., "Decision-based adversarial attacks",
    ICLR 2018.
    """
    return change_after(rows, 5000)


@metric(
    needs=("nearest_after",),
    unit="none",
    direction="higher",
    headline=False,
    paper="brendel2018",
    contributions=partial(nearest_after, queries=10_000),
    statistic="median",
)
def median_change_after_10000_queries(rows: Rows) -> Estimate | None:
    """Median of the smallest change that an attack had found by its 10,000th query, in its norm.

    See ``median_change_after_100_queries``. Brendel et al., "Decision-based adversarial attacks",
    ICLR 2018.
    """
    return change_after(rows, 10_000)
