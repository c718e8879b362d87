"""Accuracy: top-1 and top-5."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import cluster, unmeasured, verdicts
from roadworthy.metrics.interval import proportion


@metric(unit="percent", direction="higher", paper="russakovsky2015")
def top1(rows: Rows) -> Estimate | None:
    """Percent of judged images whose top prediction is the label: 100 · mean(correct).

    Over all variants (frames of a sequence) of all samples; rows ``clean_error`` are wrong. Wilson
    interval, by clustered influence functions where a sample has several rows. None where nothing
    was judged by its label. Russakovsky et al., "ImageNet Large Scale Visual Recognition
    Challenge", IJCV 2015.
    """
    return share_of(rows, verdicts(rows, "correct"), "correct")


@metric(unit="percent", direction="higher", headline=False, paper="russakovsky2015")
def top5(rows: Rows) -> Estimate | None:
    """Percent of judged images whose label is among the five top predictions: 100 · mean(correct5).

    Interval as for ``top1``; None where ``correct5`` was not recorded (sequences, probes).
    Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015.
    """
    return share_of(rows, rows, "correct5")


def share_of(rows: Rows, judged: pl.DataFrame, name: str) -> Estimate | None:
    """Estimate the percent of true values of one column; None for rows without any value."""
    data = cluster(judged.select("sample", name))
    if not data.measured:
        return unmeasured(rows, data)
    return proportion(data.sums(data[name]), data.counts)
