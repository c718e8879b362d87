"""CLEVER: the mean and median of what it says of each image, from records alone."""

from __future__ import annotations

import numpy as np
import polars as pl

from roadworthy.metrics.attacked import elements
from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.interval import Floats, estimate
from roadworthy.metrics.interval import mean as mean_of
from roadworthy.metrics.order import median


def scores_of(rows: Rows) -> pl.DataFrame:
    """Return sample and value: the score of each image; none where rows are of several variants."""
    right = rows.filter(pl.col("status") != "clean_error")
    if right["variant"].n_unique() > 1:
        right = right.clear()
    return right.select("sample", value=pl.col("clever").cast(pl.Float64)).drop_nulls()


def scores_per_pixel(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the score of each image divided by its number of elements."""
    count = elements(rows)
    found = scores_of(rows)
    return None if count is None else found.with_columns(value=pl.col("value") / count)


@metric(
    needs=("clever",), unit="none", direction="higher", paper="weng2018", contributions=scores_of
)
def clever(rows: Rows) -> Estimate | None:
    """Mean CLEVER score over the images that are right when clean, in units of the norm.

    Of the stress ``clever`` alone, and of one variant of it: distances in different norms or to
    different targets have no mean. At most the radius, which images beyond it count with. Images
    whose gradients are not finite have no score and are left out. Clustered t interval over images,
    which does not hold how sure each score is. Weng et al., "Evaluating the robustness of neural
    networks: an extreme value theory approach", ICLR 2018.
    """
    return _mean(_scores(rows))


@metric(
    needs=("clever",),
    unit="none",
    direction="higher",
    paper="weng2018",
    contributions=scores_of,
    statistic="median",
)
def median_clever(rows: Rows) -> Estimate | None:
    """Median CLEVER score over the images that are right when clean; see ``clever``.

    Comparable with ``median_l2`` and its like of attacks, which are above it where both are right.
    Interval by order statistics. Weng et al., ICLR 2018.
    """
    values = _scores(rows)
    return median(values) if values.size else None


@metric(
    needs=("clever",),
    unit="none",
    direction="higher",
    headline=False,
    paper="su2018",
    contributions=scores_per_pixel,
)
def clever_per_pixel(rows: Rows) -> Estimate | None:
    """``clever`` divided by the number of input elements (height x width x channels).

    The unit of the survey's figures, in which networks of different frames are compared. Su et al.,
    "Is robustness the cost of accuracy?", ECCV 2018.
    """
    count = elements(rows)
    return None if count is None else _mean(_scores(rows), scale=1 / count)


def _scores(rows: Rows) -> Floats:
    """Return one score an image, (N,), ascending."""
    return scores_of(rows)["value"].sort().to_numpy()


def _mean(values: Floats, *, scale: float = 1.0) -> Estimate | None:
    if not values.size:
        return None
    found = mean_of(values, np.ones(values.size), low=0.0)
    assert found.value is not None
    low, high = (np.nan if end is None else end for end in (found.low, found.high))
    return estimate(found.value, low, high, found.n, scale=scale)
