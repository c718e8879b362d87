"""What an attack that only asks has reached after so many queries."""

from __future__ import annotations

import math
from functools import partial

import polars as pl

from roadworthy.metrics.accuracy import share_of
from roadworthy.metrics.attacked import is_minimal, norm_of
from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.order import median


def success_at(rows: Rows, queries: int) -> Estimate | None:
    """Estimate the percent of attacked images whose goal was reached by so many queries."""
    noted = first_queries(rows)
    if noted is None:
        return None
    found = reached_by(rows, queries)
    if found is None:
        return Estimate(None, None, None, noted["sample"].n_unique())
    return share_of(noted, found)


def reached_by(rows: Rows, queries: int) -> pl.DataFrame | None:
    """Return sample and value: whether the goal was reached by so many queries, asked that often."""
    noted = first_queries(rows)
    if noted is None:
        return None
    asked = noted["asked"].min()
    if isinstance(asked, float) and asked < queries:
        return None
    return noted.select("sample", value=pl.col("value") <= queries)


def fewest_queries(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: after how many queries the goal was reached, infinite if it never was."""
    noted = first_queries(rows)
    return None if noted is None else noted.group_by("sample").agg(pl.col("value").min())


def first_queries(rows: Rows) -> pl.DataFrame | None:
    """Return sample, value and asked of attacked images; None for attacks whose steps are not queries.

    ``value`` is the query at which the goal was first reached, infinite where it never was, ``asked``
    after how many queries nobody knows what would have come next, infinite where it was reached.
    """
    tried = rows.filter(pl.col("success").is_not_null())
    by_asking = (pl.col("backwards") == 0) & pl.col("steps_used").is_between(1, pl.col("queries"))
    if not len(tried) or norm_of(tried) is None or is_minimal(tried):
        return None
    if not tried.select(by_asking.fill_null(value=False).all()).item():
        return None
    # A success with which an image left the attack, and that the judge does not confirm, is none.
    left = pl.col("step_success") == pl.col("steps_used")
    reached = pl.col("success") | (pl.col("step_success").is_not_null() & ~left)
    step = pl.coalesce("step_success", "steps_used").cast(pl.Float64)
    never, steps = pl.lit(math.inf), pl.col("steps_used").cast(pl.Float64)
    held = pl.col("step_success").is_null() & ~pl.col("success")
    return tried.select(
        "sample",
        value=pl.when(reached.fill_null(value=False)).then(step).otherwise(never),
        asked=pl.when(held).then(steps).otherwise(never),
    )


@metric(
    needs=("success",),
    unit="percent",
    direction="lower",
    headline=False,
    paper="dong2020",
    contributions=partial(reached_by, queries=100),
)
def success_at_100_queries(rows: Rows) -> Estimate | None:
    """Percent of attacked images whose goal an attack without gradients reached by its 100th query.

    A query is one answer of the model to one image. Images that are wrong when clean are not
    attacked and do not count. Null where images that held were asked about less often; None for
    attacks with gradients, those that look for the smallest change and those that do not note their
    steps. Interval as for ``top1``. Dong et al., "Benchmarking adversarial robustness on image
    classification", CVPR 2020.
    """
    return success_at(rows, 100)


@metric(
    needs=("success",),
    unit="percent",
    direction="lower",
    headline=False,
    paper="dong2020",
    contributions=partial(reached_by, queries=1000),
)
def success_at_1000_queries(rows: Rows) -> Estimate | None:
    """Percent of attacked images whose goal was reached by the 1,000th query of an attack.

    See ``success_at_100_queries``. Dong et al., "Benchmarking adversarial robustness on image
    classification", CVPR 2020.
    """
    return success_at(rows, 1000)


@metric(
    needs=("success",),
    unit="percent",
    direction="lower",
    headline=False,
    paper="dong2020",
    contributions=partial(reached_by, queries=5000),
)
def success_at_5000_queries(rows: Rows) -> Estimate | None:
    """Percent of attacked images whose goal was reached by the 5,000th query of an attack.

    See ``success_at_100_queries``. Dong et al., "Benchmarking adversarial robustness on image
    classification", CVPR 2020.
    """
    return success_at(rows, 5000)


@metric(
    needs=("success",),
    unit="percent",
    direction="lower",
    headline=False,
    paper="dong2020",
    contributions=partial(reached_by, queries=10_000),
)
def success_at_10000_queries(rows: Rows) -> Estimate | None:
    """Percent of attacked images whose goal was reached by the 10,000th query of an attack.

    See ``success_at_100_queries``. Dong et al., "Benchmarking adversarial robustness on image
    classification", CVPR 2020.
    """
    return success_at(rows, 10_000)


@metric(
    needs=("success",),
    unit="none",
    direction="higher",
    headline=False,
    paper="dong2020",
    contributions=fewest_queries,
    statistic="median",
)
def median_queries(rows: Rows) -> Estimate | None:
    """Median number of queries until an attack without gradients reached its goal.

    Over all attacked images; where the goal was not reached the number is infinite, so that failures
    count instead of vanishing. Null where that is half of them or more. Of
    several rows of a sample the smallest counts. For which attacks: see ``success_at_100_queries``.
    Interval by order statistics. Dong et al., "Benchmarking adversarial robustness on image
    classification", CVPR 2020.
    """
    found = fewest_queries(rows)
    return None if found is None else median(found["value"].to_numpy())
