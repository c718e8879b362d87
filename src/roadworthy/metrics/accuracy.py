"""Accuracy: top-1 and top-5."""

from __future__ import annotations

import polars as pl

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import cluster, unmeasured, verdicts
from roadworthy.metrics.interval import proportion
from roadworthy.metrics.samples import by_sample


def right(rows: Rows) -> pl.DataFrame:
    """Return sample and value: whether each judged image (frame of a sequence) is right."""
    judged = verdicts(rows, "correct")
    return by_sample(judged["sample"], judged["correct"])


def right5(rows: Rows) -> pl.DataFrame:
    """Return sample and value: whether the label is among the five top predictions."""
    return by_sample(rows["sample"], rows["correct5"])


@metric(unit="percent", direction="higher", paper="russakovsky2015", contributions=right)
def top1(rows: Rows) -> Estimate | None:
    """Percent of judged images whose top prediction is the label: 100 · mean(correct).

    Over all variants (frames of a sequence) of all samples; rows ``clean_error`` are wrong. Wilson
    interval, by clustered influence functions where a sample has several rows. None where nothing
    was judged by its label. Russakovsky et al., "ImageNet Large Scale Visual Recognition
    Challenge", IJCV 2015.
    """
    return share_of(rows, right(rows))


@metric(
    unit="percent",
    direction="higher",
    headline=False,
    paper="russakovsky2015",
    contributions=right5,
)
def top5(rows: Rows) -> Estimate | None:
    """Percent of judged images whose label is among the five top predictions: 100 · mean(correct5).

    Interval as for ``top1``; None where ``correct5`` was not recorded (sequences, probes).
    Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015.
    """
    return share_of(rows, right5(rows))


def share_of(rows: Rows, judged: pl.DataFrame | None) -> Estimate | None:
    """Estimate the percent of true values in ``judged`` (sample, value).

    None where ``judged`` is None, and for rows without any value.
    """
    if judged is None:
        return None
    data = cluster(by_sample(judged["sample"], judged["value"]), rows)
    if not data.measured:
        return unmeasured(rows, data)
    return proportion(data.sums(data["value"]), data.counts)
