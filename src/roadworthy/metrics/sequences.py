"""How much the predictions of one model change along a sequence of frames."""

from __future__ import annotations

import numpy as np
import polars as pl

from roadworthy.metrics.base import Contributions, Estimate, Rows, metric
from roadworthy.metrics.interval import Floats, mean
from roadworthy.metrics.ranks import FURTHEST
from roadworthy.metrics.samples import bounded_mean


def _of(column: str) -> Contributions:
    def means(rows: Rows) -> pl.DataFrame | None:
        if rows[column].null_count() == rows.height:  # most stresses are no sequences
            return None
        return comparisons(rows, column)

    return means


@metric(unit="percent", direction="lower", paper="hendrycks2019", contributions=_of("frames_flip"))
def flip_probability(rows: Rows) -> Estimate | None:
    """Percent of comparisons of two frames in which the prediction differs.

    100 · mean over sequences of the mean over comparisons. A frame is compared with the frame
    ``difficulty`` before it, in sequences of independent noise with the first; labels play no role.
    Sequences without a comparison are left out. Clustered interval over samples. None for stresses
    that are not sequences. Hendrycks and Dietterich, "Benchmarking neural network robustness to
    common corruptions and perturbations", ICLR 2019.
    """
    flips = means_of(rows, "frames_flip")
    return bounded_mean(flips, low=0.0, high=1.0, scale=100.0) if flips.size else None


@metric(
    unit="none",
    direction="lower",
    headline=False,
    paper="hendrycks2019",
    contributions=_of("frames_top5_distance"),
)
def t5d(rows: Rows) -> Estimate | None:
    """Mean top-5 distance of two compared frames, 0 to 15: how far the first five classes move.

    The unnormalised uT5D, over the comparisons of ``flip_probability``: the sum over ranks i = 1..5
    of |i - min(s(i), 6)|, s(i) being the new rank of the class that had rank i. Clustered interval
    over samples. None for stresses that are not sequences. Hendrycks and Dietterich, ICLR 2019.
    """
    distances = means_of(rows, "frames_top5_distance")
    return bounded_mean(distances, low=0.0, high=FURTHEST) if distances.size else None


@metric(
    unit="none",
    direction="lower",
    headline=False,
    paper="hendrycks2019",
    contributions=_of("frames_zipf"),
)
def zipf_distance(rows: Rows) -> Estimate | None:
    """Mean Zipf distance of two compared frames: how far all classes move, the first ones most.

    Over the comparisons of ``flip_probability``: the sum over all ranks i of (1/i) · |1/i - 1/s(i)|,
    s(i) being the new rank of the class that had rank i. Clustered t interval over samples. None
    for stresses that are not sequences. Hendrycks and Dietterich, ICLR 2019, in their code.
    """
    distances = means_of(rows, "frames_zipf")
    return mean(distances, distances * 0 + 1, low=0.0) if distances.size else None


def means_of(rows: Rows, column: str) -> Floats:
    """Return the mean over the comparisons of each sequence (N,), ascending."""
    found = _of(column)(rows)
    return np.zeros(0) if found is None else np.sort(found["value"].to_numpy())


def comparisons(rows: Rows, column: str) -> pl.DataFrame:
    """Return sample and value, the mean of a list column; without rows that compare nothing."""
    listed = rows.filter(pl.col(column).list.len() > 0)
    value = pl.col(column).cast(pl.List(pl.Float64)).list.mean()
    return listed.select("sample", value=value).drop_nulls()
