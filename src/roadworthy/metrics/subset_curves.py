"""Curves and groups of sufficient input subsets: confidence over what is left, size over confidence."""

from __future__ import annotations

import numpy as np
import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.base import Rows
from roadworthy.metrics.catalogue import USABLE
from roadworthy.metrics.interval import mean as mean_of
from roadworthy.metrics.order import median
from roadworthy.metrics.robustness import CurvePoint

GROUPS = 5


def confidence_curve(rows: Rows) -> list[CurvePoint]:
    """Return how sure the model is, in percent, over the percentage of pixels that is left.

    ``rows`` are the records of ``sis`` at one threshold on one model and data set. The confidence is
    that in the class predicted on the whole image, along the order in which pixels go; pointwise
    95 % intervals over images. Raises UsageError for records that are not of that.
    """
    from roadworthy.stress._subsets.left import LEFT

    known = _one(rows).filter(pl.col("removal_conf").is_not_null())
    if not len(known):
        raise UsageError("a curve of confidence needs records of sis")
    values = known.sort("sample")["removal_conf"].to_list()
    points = []
    for index, left in enumerate(LEFT):
        found = np.sort([100 * row[index] for row in values if row[index] is not None])
        points.append(
            CurvePoint(100 * left, mean_of(found, np.ones(found.size), low=0.0, high=100.0))
        )
    return points


def size_by_confidence(rows: Rows, clean: Rows, groups: int = GROUPS) -> list[CurvePoint]:
    """Return the median size of subsets in percent over how sure the model is of the whole image.

    ``rows`` are the records of ``sis`` at one threshold on one model and data set, ``clean`` those of
    the same model and data under ``clean``. Images are in ``groups`` of about as many each by their
    confidence; a point stands at the mean confidence of its group, in percent. Raises UsageError for
    records that are not of that, and for fewer than one group.
    """
    if groups < 1:
        raise UsageError(f"groups must be at least 1, not {groups}")
    sizes = _one(rows).filter(pl.col("kept").is_not_null()).select("sample", "kept")
    both = sizes.join(clean.select("sample", "conf"), on="sample").sort("conf", "sample")
    points = []
    for part in np.array_split(np.arange(len(both)), groups):
        if part.size:
            chosen = both[part.tolist()].cast({"kept": pl.Float64, "conf": pl.Float64})
            at = float(np.mean(chosen["conf"].to_numpy()))
            points.append(CurvePoint(100 * at, median(100 * chosen["kept"].to_numpy())))
    return points


def _one(rows: Rows) -> Rows:
    """Return the usable records of subsets at one threshold; raises UsageError if they are of several."""
    usable = rows.filter(
        pl.col("status").is_in(USABLE)
        & pl.col("control").is_null()
        & pl.col("threshold").is_not_null()
    )
    for name in ("model", "source", "data", "stress", "variant"):
        if usable[name].n_unique() > 1:
            raise UsageError(f"a curve is of one {name}: filter the records by '{name}'")
    return usable
