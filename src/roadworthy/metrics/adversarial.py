"""Who survives an attack, and how often the attack reached its goal."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.accuracy import share_of
from roadworthy.metrics.attacked import is_minimal, survived
from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.samples import by_sample
from roadworthy.metrics.seen import empty_columns


def stood(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether an image survived; None unless the attack has a budget."""
    if "norm" in empty_columns(rows):
        return None
    attacked = rows.filter(pl.col("norm").is_not_null() | (pl.col("status") == "clean_error"))
    if is_minimal(rows):
        return None
    return survived(attacked)


def fell(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether an attacked image fell; None where nothing was attacked."""
    if "success" in empty_columns(rows):
        return None
    return by_sample(rows["sample"], rows["success"])


@metric(unit="percent", direction="higher", paper="croce2021", contributions=stood)
def robust_top1(rows: Rows) -> Estimate | None:
    """Percent of samples that are right clean and on which the attack did not reach its goal.

    100 · mean(status = ok and not success): a sample that is wrong before the attack comes as a row
    ``clean_error`` and counts as wrong. For untargeted attacks that is "still right"; a targeted one
    has to reach its target, and ``top1`` says how many are still right under it. Only for attacks
    with a budget, else None: any image falls to changes of any size. Interval as for ``top1``.
    Croce et al., "RobustBench: a standardized adversarial robustness benchmark", NeurIPS 2021.
    """
    return share_of(rows, stood(rows))


@metric(unit="percent", direction="lower", paper="szegedy2014", contributions=fell)
def success_rate(rows: Rows) -> Estimate | None:
    """Percent of attacked images on which the attack reached its goal: 100 · mean(success).

    The goal is any wrong prediction, or the target of a targeted attack. Images that are wrong when
    clean are not attacked and do not count: ``n`` is the number of those that are. For attacks that
    look for the smallest change this is the share of images for which they found any. Interval as
    for ``top1``; None where nothing was attacked. Szegedy et al., "Intriguing properties of neural
    networks", ICLR 2014.
    """
    return share_of(rows, fell(rows))
