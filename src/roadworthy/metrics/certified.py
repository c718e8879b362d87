"""What certificates say of a model, from records alone: radii, and accuracy that is certified."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.accuracy import share_of
from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.catalogue import USABLE
from roadworthy.metrics.interval import Floats, estimate, wilson
from roadworthy.metrics.interval import mean as mean_of
from roadworthy.metrics.order import median
from roadworthy.metrics.robustness import CurvePoint

POINTS = 33
"""Radii of a curve where none are given."""


def radius_of(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the certified radius, 0 unless the vote is the label."""
    found = _certified(rows)
    return found.select("sample", "value") if len(found) else None


def is_certified(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether the vote is certified to be the label."""
    found = _certified(rows)
    return found.select("sample", value=pl.col("value") > 0) if len(found) else None


def has_abstained(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: whether the certificate abstained."""
    found = _certified(rows)
    return found.select("sample", value=~pl.col("answered")) if len(found) else None


@metric(
    needs=("certified_radius",),
    unit="none",
    direction="higher",
    paper="cohen2019",
    contributions=radius_of,
)
def certified_radius(rows: Rows) -> Estimate | None:
    """Mean certified L2 radius over all images, pixels in 0 to 1; 0 where the vote is not the label.

    Of the stress ``certify`` alone, and of one variant of it. Images that it abstains on or whose
    vote is wrong count as 0; no radius is larger than the number of draws allows. This is the area
    under the curve of certified accuracy. Clustered t interval over images, which does not hold
    that each certificate is wrong with the probability ``alpha``. Cohen, Rosenfeld and Kolter,
    "Certified adversarial robustness via randomized smoothing", ICML 2019.
    """
    values = _radii(rows)
    if not values.size:
        return None
    return mean_of(values, np.ones(values.size), low=0.0)


@metric(
    needs=("certified_radius",),
    unit="none",
    direction="higher",
    headline=False,
    paper="cohen2019",
    contributions=radius_of,
    statistic="median",
)
def median_certified_radius(rows: Rows) -> Estimate | None:
    """Median certified L2 radius over all images; see ``certified_radius``.

    0 where half of the images or more have no certificate of their label. Interval by order
    statistics. Cohen, Rosenfeld and Kolter, ICML 2019.
    """
    values = _radii(rows)
    return median(values) if values.size else None


@metric(
    needs=("certified_radius",),
    unit="percent",
    direction="higher",
    paper="cohen2019",
    contributions=is_certified,
)
def certified_top1(rows: Rows) -> Estimate | None:
    """Percent of images whose vote is certified to be the label: the curve of accuracy at radius 0.

    Images that the certificate abstains on count as wrong. Interval as for ``top1``; None for
    records without certificates. Cohen, Rosenfeld and Kolter, ICML 2019.
    """
    return share_of(rows, is_certified(rows))


@metric(
    needs=("certified_radius",),
    unit="percent",
    direction="lower",
    headline=False,
    paper="cohen2019",
    contributions=has_abstained,
)
def abstained(rows: Rows) -> Estimate | None:
    """Percent of images on which the certificate abstains, because too few votes agree.

    Whatever their label. Interval as for ``top1``; None for records without certificates. Cohen,
    Rosenfeld and Kolter, ICML 2019.
    """
    return share_of(rows, has_abstained(rows))


def certified_curve(rows: Rows, radii: Sequence[float] | None = None) -> list[CurvePoint]:
    """Return certified accuracy in percent over the L2 radius, with pointwise 95 % intervals.

    ``rows`` are the records of one variant of ``certify`` on one model and data set. An image counts
    at a radius if its vote is the label and the certificate reaches at least so far; at 0 if there
    is one. Without ``radii`` 33 of them, evenly from 0 to the largest that was found. Raises
    UsageError for records that are not of one certificate. Cohen, Rosenfeld and Kolter, ICML 2019.
    """
    usable = rows.filter(pl.col("status").is_in(USABLE))
    for name in ("model", "data", "stress", "variant"):
        if usable[name].n_unique() > 1:
            raise UsageError(f"a curve is of one {name}: filter the records by '{name}'")
    values = _radii(usable)
    if not values.size:
        raise UsageError("a curve of certified accuracy needs records of certify")
    chosen = np.linspace(0, values[-1], POINTS).tolist() if radii is None else list(radii)
    # the smallest certified radius is above 0, so that "at least" begins there
    edges = np.maximum(np.array(chosen, float), np.nextafter(0.0, 1.0))
    certified = values.size - np.searchsorted(values, edges, side="left")
    low, high = wilson(certified, np.full(len(edges), values.size))
    return [
        CurvePoint(
            float(at), estimate(c / values.size, float(a), float(b), values.size, scale=100.0)
        )
        for at, c, a, b in zip(chosen, certified.tolist(), low, high, strict=True)
    ]


def _certified(rows: Rows) -> pl.DataFrame:
    """Return sample, value (radius, 0 unless the vote is the label) and whether it answered.

    Without rows where they are of several variants, or of no certificate.
    """
    known = rows.filter(pl.col("certified_radius").is_not_null())
    if known["variant"].n_unique() > 1:
        known = known.clear()
    right = (pl.col("certified_class") == pl.col("label")).fill_null(value=False)
    radius = pl.when(right).then(pl.col("certified_radius").cast(pl.Float64)).otherwise(0.0)
    return known.select("sample", value=radius, answered=pl.col("certified_class").is_not_null())


def _radii(rows: Rows) -> Floats:
    """Return the radius of each image, 0 unless its vote is the label, (N,), ascending."""
    return _certified(rows)["value"].sort().to_numpy()
