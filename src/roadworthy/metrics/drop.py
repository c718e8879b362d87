"""Drop in accuracy against the same samples unstressed."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import cluster, is_clean, paired_verdicts
from roadworthy.metrics.interval import Floats, estimate, t_quantile
from roadworthy.metrics.samples import by_sample


def lost(rows: Rows, clean: Rows) -> pl.DataFrame | None:
    """Return sample and value: 1 for right only when clean, -1 for right only under stress, else 0."""
    verdicts = (rows["correct"], rows["frames_correct"])
    labelled = any(column.null_count() < len(rows) for column in verdicts)
    if is_clean(rows) or not (labelled or rows.is_empty()):
        return None
    pairs = paired_verdicts(rows, clean, "correct")
    value = pairs["clean"].cast(pl.Int8) - pairs["correct"].cast(pl.Int8)
    return by_sample(pairs["sample"], value)


@metric(unit="points", direction="lower", paired=True, contributions=lost)
def drop(rows: Rows, clean: Rows) -> Estimate | None:
    """Top-1 accuracy clean minus stressed, in percentage points; positive is worse.

    100 · mean(clean correct - correct) over all variants (frames) of the samples that have both;
    pairing takes the differences between easy and hard samples out of the interval. That is the
    adjusted Wald interval, clustered: two pseudo-samples (half an observation in each cell of the
    paired table) keep it from shrinking to nothing where no verdict changes. None for ``clean``
    itself and where nothing was judged by its label. A. Agresti and Y. Min, "Simple improved
    confidence intervals for comparing matched proportions", Statistics in Medicine 24 (2005).
    """
    found = lost(rows, clean)
    if found is None:
        return None
    data = cluster(found, rows)
    return paired_difference(data.sums(data["value"]), data.counts)


def paired_difference(sums: Floats, counts: Floats) -> Estimate:
    """Estimate the mean of differences in [-1, 1], in points; sums and rows of each sample."""
    n = sums.size
    if n == 0:
        return Estimate(None, None, None, 0)
    rows = counts.sum() / n  # a pseudo-sample is as large as a sample is on average
    weight = counts / rows
    value = float(sums.sum() / counts.sum())
    centre = value * n / (n + 2)
    squares = float(np.square(sums / rows - centre * weight).sum())
    # pseudo-samples: weight 1/2 at +1 and -1, weight 1 at 0
    squares += ((1 - centre) ** 2 + (1 + centre) ** 2) / 2 + centre**2
    half = t_quantile(n + 1) * math.sqrt(squares) / (n + 2)
    low, high = max(-1.0, min(value, centre - half)), min(1.0, max(value, centre + half))
    return estimate(value, low, high, n, scale=100.0)
