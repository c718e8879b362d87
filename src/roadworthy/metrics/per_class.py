"""The per-class table."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.base import Rows
from roadworthy.metrics.classes import by_class
from roadworthy.metrics.interval import wilson


def per_class(rows: Rows) -> pl.DataFrame:
    """Return label, n (samples), top1, low and high (percent), one row a class that occurs.

    Sorted by label; top-1 accuracy and its 95 % interval as in the metric ``top1``, for each class
    alone: among many classes some intervals miss.
    """
    classes = by_class(rows)
    low, high = wilson(classes.share * classes.size, classes.size, quantile=classes.quantile)
    return pl.DataFrame(
        {
            "label": classes.label,
            "n": classes.n,
            "top1": 100 * classes.share,
            "low": 100 * low,
            "high": 100 * high,
        },
        schema={
            "label": pl.Int32,
            "n": pl.Int64,
            "top1": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
        },
    )
