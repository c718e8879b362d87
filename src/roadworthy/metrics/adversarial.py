"""Robust accuracy under attack."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.accuracy import share_of
from roadworthy.metrics.base import Estimate, Rows, metric


@metric(unit="percent", direction="higher", paper="croce2021")
def robust_top1(rows: Rows) -> Estimate | None:
    """Percent of samples that are right clean and still right under attack.

    100 · mean(correct and status = ok): a sample that is wrong before the attack comes as a row
    ``clean_error`` and counts as wrong. Only for stresses with a norm, else None. Interval as for
    ``top1``. Croce et al., "RobustBench: a standardized adversarial robustness benchmark",
    NeurIPS 2021.
    """
    attacked = rows.filter(pl.col("norm").is_not_null() | (pl.col("status") == "clean_error"))
    if attacked["norm"].is_null().all():
        return None
    survived = (
        pl.when(pl.col("status") == "clean_error").then(False).otherwise(pl.col("correct"))
    ).alias("survived")
    return share_of(attacked, attacked.select("sample", survived), "survived")
